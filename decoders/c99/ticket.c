/* Reads ticketry's ticket files, format version 1: checks them, rebuilds mask and weights. FORMAT.md specifies them.
   Build: cc -std=c99 -O2 -ffp-contract=off ticket.c -o ticket. Use: ./ticket FILE [MASK [WEIGHTS]]
   MASK gets one byte, 0 or 1, for every maskable weight. WEIGHTS gets little-endian float32: the layers of the
   untrained network, masked and scaled, then the other drawn parameters. Exit 0: every digest is right; 1: one is not,
   or the file is not as it must be; 2: the call is wrong. Without a library of mathematics all machines agree. */
#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if FLT_EVAL_METHOD != 0
#error "every operation must be rounded to its own type; on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif
#define MAX_WEIGHTS (UINT64_C(1) << 28)

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

static void need(int condition, const char *otherwise) {
    if (condition) return;
    fprintf(stderr, "ticket: %s\n", otherwise);
    exit(1);
}

static void *memory(u64 count, size_t size) { /* zeros, one more than asked for */
    void *p = count < SIZE_MAX / size ? calloc((size_t)count + 1, size) : NULL;
    return need(p != NULL, "out of memory"), p;
}

static u64 little_endian(const u8 *p, int n) { return n ? little_endian(p + 1, n - 1) << 8 | *p : 0; }

typedef struct { u32 h[8]; u8 block[64]; u64 length; } Sha;
static const Sha sha_begin = {
    {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, {0}, 0};
static const u32 sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static u32 turn(u32 x, int n) { return x >> n | x << (32 - n); }

static void sha_block(Sha *s) {
    u32 w[64], v[8];
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        const u8 *b = s->block + 4 * (i % 16);
        w[i] = i < 16 ? (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3]
                      : w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3)
                            + (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
        u32 a = v[0], e = v[4], t = v[7] + sha_k[i] + w[i];
        t += (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & v[5]) ^ (~e & v[6]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t;
        v[0] = t + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & v[2]) ^ (a & v[3]) ^ (v[2] & v[3]));
    }
    for (int i = 0; i < 8; i++) s->h[i] += v[i];
}

static void sha_add(Sha *s, const void *data, u64 n) {
    for (const u8 *p = data; n--; p++) {
        s->block[s->length++ % 64] = *p;
        if (s->length % 64 == 0) sha_block(s);
    }
}

static void sha_end(Sha *s, u8 digest[32]) {
    u64 bits = 8 * s->length;
    for (sha_add(s, "\x80", 1); s->length % 64 != 56;) sha_add(s, "", 1);
    for (int i = 56; i >= 0; i -= 8) sha_add(s, (u8[]){(u8)(bits >> i)}, 1);
    for (int i = 0; i < 32; i++) digest[i] = (u8)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

typedef struct { u64 key[2], block, word[4], bits; } Philox;
static u64 multiply(u64 a, u64 b, u64 *low) { /* gives the upper half of a * b */
    u64 a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    u64 middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & 0xffffffff);
    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

static u64 draw(Philox *p, int n) { /* the next n bits, n = 1, 32 or 64: each word from its lowest bit upwards */
    u64 *c = p->word, k0 = p->key[0], k1 = p->key[1], low0, low1, at = p->bits % 256;
    if (at == 0) {
        c[0] = ++p->block; c[1] = c[2] = c[3] = 0;
        for (int i = 0; i < 10; i++, k0 += UINT64_C(0x9E3779B97F4A7C15), k1 += UINT64_C(0xBB67AE8584CAA73B)) {
            u64 high0 = multiply(UINT64_C(0xD2E7470EE14C6C93), c[0], &low0);
            u64 high1 = multiply(UINT64_C(0xCA5A826395121157), c[2], &low1);
            c[0] = high1 ^ c[1] ^ k0; c[1] = low1;
            c[2] = high0 ^ c[3] ^ k1; c[3] = low0;
        }
    }
    p->bits += (u64)n;
    return c[at / 64] >> at % 64 & ~UINT64_C(0) >> (64 - n);
}

static Philox philox(u64 seed, const char *purpose, const char *name) {
    Sha s = sha_begin;
    u8 key[32];
    char start[64];
    sha_add(&s, start, (u64)sprintf(start, "ticketry/1|%llu|%s|", (unsigned long long)seed, purpose));
    sha_add(&s, name, strlen(name));
    sha_end(&s, key);
    return (Philox){{little_endian(key, 8), little_endian(key + 8, 8)}, 0, {0}, 0};
}

static double root(double x) { /* correctly rounded, for positive normal x */
    double scale = 1;
    u64 r = 0, rest = 0;
    for (; x >= 4; x /= 4) scale *= 2;
    for (; x < 1; x *= 4) scale /= 2;
    for (int i = 0; i < 54; i++) { /* digit by digit: r becomes floor(sqrt(x) * 2^53) */
        u64 t = r << 2 | 1;
        rest = rest << 2 | (i < 27 ? (u64)(x * 4503599627370496.0) >> (52 - 2 * i) & 3 : 0);
        r = r << 1 | (rest >= t);
        if (rest >= t) rest -= t;
    }
    return (double)((r + 1) >> 1) / 4503599627370496.0 * scale; /* a root is never halfway between two doubles */
}

static double natural_log(double x) { /* for 0 < x < 1 */
    int e = 0;
    for (; x < 0x1.6a09e667f3bcdp-1; e--) x *= 2;
    double s = (x - 1.0) / (x + 1.0), z = s * s, y = 1.0 / 11;
    for (int odd = 9; odd > 0; odd -= 2) y = y * z + 1.0 / odd;
    return e * 0x1.62e42fefa39efp-1 + (s + s) * y;
}

static double normal(u32 w) { /* AS241, PPND7 */
    double q = (w + 0.5) / 4294967296.0 - 0.5, far = q < 0 ? -q : q, r = 0.180625 - q * q;
    if (far <= 0.425)
        return q * (((5.9109374720e+01 * r + 1.5929113202e+02) * r + 5.0434271938e+01) * r + 3.3871327179e+00)
             / (((6.7187563600e+01 * r + 7.8757757664e+01) * r + 1.7895169469e+01) * r + 1.0);
    r = root(-natural_log(0.5 - far)) - 1.6;
    r = (((1.7023821103e-01 * r + 1.3067284816e+00) * r + 2.7568153900e+00) * r + 1.4234372777e+00)
      / ((1.2021132975e-01 * r + 7.3700164250e-01) * r + 1.0);
    return q < 0 ? -r : r;
}

typedef struct { const char *name; u64 dims, size, dim[8], fan_in, off, on, kept, escapes; } Parameter;
typedef struct { const char *name; char values; double top; int fans; } Recipe; /* spread: root(top / sum of fans) */
static const Recipe recipes[8] = {
    {"\"signed-constant", 's', 2, 1}, {"\"kaiming-uniform", 'u', 6, 1}, {"\"kaiming-normal", 'n', 2, 1},
    {"\"xavier-uniform", 'u', 6, 2},  {"\"xavier-normal", 'n', 2, 2},   {"\"uniform", 'u', 1, 0},
    {"\"torch-default", 'u', 1, 1},   {NULL, 0, 0, 0}};

static double spread(const Recipe *recipe, const Parameter *p) { /* fan_in > 0: of the layer whose bias p is */
    u64 in = p->fan_in ? p->fan_in : p->dims > 1 ? p->size / p->dim[0] : p->size;
    u64 out = p->dims > 1 ? p->size / p->dim[1] : p->size;
    return recipe->fans ? root(recipe->top / (double)(recipe->fans == 2 ? in + out : in)) : 1.0;
}

static float weight(Philox *stream, char values, double s) {
    if (values == 's') return (float)(draw(stream, 1) ? s : -s);
    u32 w = (u32)draw(stream, 32);
    return (float)(values == 'n' ? normal(w) * s : (2.0 * (w >> 8) - 16777215.0) * (s / 16777216.0));
}

typedef struct { const u8 *at, *end; } Bytes;
static const u8 *take(Bytes *b, u64 n) {
    need(n <= (u64)(b->end - b->at), "the file ends too early");
    return (b->at += n) - n;
}

static u64 varint(Bytes *b, u64 most) {
    u64 value = 0, byte = 0x80;
    for (int i = 0; byte >= 0x80; i++) {
        byte = *take(b, 1);
        value |= (byte & 0x7f) << 7 * i;
        need((i < 4 || byte < 0x80) && (i == 0 || byte), "a count is impossible");
    }
    need(value <= most, "a count is impossible");
    return value;
}

static char *find(char *json, const char *key) { /* keys inside strings do not match: their quotes have a \ before */
    char *at = json ? strstr(json, key) : NULL;
    return at ? at + strlen(key) : NULL;
}

static u64 number(char **at, char before) {
    need(*at && *(*at)++ == before && **at >= '0' && **at <= '9', "the header is not as it must be");
    return strtoull(*at, at, 10);
}

static Parameter *parameters(char *at, u64 *count, u64 *total, int drawn) { /* rows of a name and numbers */
    Parameter *list = NULL, *p;
    for (*count = 0; at && *at == '['; at += *at == ',', ++*count) {
        if ((*count & (*count - 1)) == 0) list = realloc(list, (size_t)(2 * *count + 1) * sizeof *list);
        need(list && at[1] == '"', "the header is not as it must be");
        memset(p = list + *count, 0, sizeof *p);
        p->name = at += 2;
        at += strcspn(at, "\"\\|");
        need(*at == '"' && at > p->name, "a parameter's name is not as it must be");
        *at++ = 0; /* ends the name */
        if (drawn) p->fan_in = number(&at, ',');
        for (p->size = 1; *at == ','; p->dims++) {
            u64 n = number(&at, ',');
            need(p->dims < 8 && n && n <= MAX_WEIGHTS && (p->size *= n) <= MAX_WEIGHTS, "a shape is impossible");
            p->dim[p->dims] = n;
        }
        need(*at++ == ']' && (*total += p->size) <= MAX_WEIGHTS, "the ticket has too many weights for this reader");
    }
    return list;
}

enum { CONSTANT, PLAIN, BYTES, GAPS };
typedef struct { int kind, inverted, shift; u64 rare, model; } Plan;
typedef struct { Bytes words; const u8 *plain; u32 *state; u64 lanes, symbols, bits; } Coder;

static Plan plan(u64 n, u64 kept) {
    Plan p = {CONSTANT, 2 * kept > n, 0, 2 * kept > n ? n - kept : kept, 0};
    if (p.rare == 0) return p;
    p.model = (128 * p.rare + n) / (2 * n);
    p.kind = p.model == 32 ? PLAIN : p.model >= 8 ? BYTES : GAPS;
    if (p.kind != GAPS) return p;
    while ((UINT64_C(64) << p.shift) * p.rare <= n) p.shift++;
    p.model = (4096 * (p.rare << p.shift) + n) / (2 * n);
    return p;
}

static void table(u64 model, u32 start[257]) {
    u64 whole = UINT64_C(1) << 48, sum = 0, left = whole;
    for (u32 v = 0; v < 256; v++) {
        u64 product = 1;
        start[v] = v + (u32)(sum * 32512 >> 48);
        for (int bit = 0; bit < 8; bit++) product *= v >> bit & 1 ? model : 64 - model;
        left -= left * model >> 11;
        sum = model < 32 ? sum + product : whole - left;
    }
    start[256] = 32768;
}

static u32 symbol(Coder *c, const u32 start[257]) {
    u32 *x = c->state + c->symbols++ % c->lanes, slot = *x & 32767, low = 0, high = 256;
    while (high - low > 1) *(slot < start[(low + high) / 2] ? &high : &low) = (low + high) / 2;
    *x = (start[low + 1] - start[low]) * (*x >> 15) + slot - start[low];
    if (*x < 65536) *x = *x << 16 | (u32)little_endian(take(&c->words, 2), 2);
    return low;
}

static u32 plain_bits(Coder *c, int n) { /* the next n plain bits, lowest first */
    u32 value = 0;
    for (int i = 0; i < n; i++, c->bits++) value |= (u32)(c->plain[c->bits / 8] >> c->bits % 8 & 1) << i;
    return value;
}

static void layer_bits(Coder *c, u8 *out, u64 n, Plan p, u64 escapes) { /* the searched bits of a layer; out is zero */
    u32 start[257], high;
    u64 found = 0, position = 0;
    if (p.kind >= BYTES) table(p.model, start);
    for (u64 i = 0; (p.kind == PLAIN || p.kind == BYTES) && i < n; i += 8) {
        u32 byte = p.kind == BYTES ? symbol(c, start) : plain_bits(c, n - i < 8 ? (int)(n - i) : 8);
        need(n - i >= 8 || byte >> (n - i) == 0, "bits follow the end of a layer");
        for (u64 j = i; byte; byte >>= 1) found += out[j++] = byte & 1;
    }
    for (; p.kind == GAPS && found < p.rare; found++) {
        for (; (high = symbol(c, start)) == 255; position += (u64)255 << p.shift) need(escapes-- > 0, "a gap is wrong");
        position += ((u64)high << p.shift) + plain_bits(c, p.shift);
        need(position < n, "a gap leads out of its layer");
        out[position++] = 1;
    }
    need(found == p.rare && escapes == 0, "a layer's counts and its bits disagree");
    for (u64 i = 0; p.inverted && i < n; i++) out[i] ^= 1;
}

typedef struct { u64 word, index; } Ranked;
static int by_word(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    return x->word < y->word || (x->word == y->word && x->index < y->index) ? -1 : 1;
}

static void with_locks(u8 *mask, u64 seed, const Parameter *p) { /* the searched bits come first in mask */
    Ranked *order = memory(p->size, sizeof *order);
    u8 *searched = memcpy(memory(p->size, 1), mask, (size_t)p->size), *bit = searched;
    Philox stream = philox(seed, "lock", p->name);
    for (u64 i = 0; i < p->size; i++) order[i] = (Ranked){draw(&stream, 64), i};
    qsort(order, (size_t)p->size, sizeof *order, by_word);
    for (u64 i = 0; i < p->size; i++) mask[order[i].index] = i < p->off ? 0 : i < p->off + p->on ? 1 : 2;
    for (u64 i = 0; i < p->size; i++) if (mask[i] == 2) mask[i] = *bit++;
    free(order);
    free(searched);
}

static u8 *decode_mask(Bytes *b, Parameter *layers, u64 count, u64 total, u64 seed) {
    Coder c = {*b, NULL, NULL, 0, 0, 0};
    for (Parameter *p = layers; p < layers + count; p++) {
        u64 n = p->size - p->off - p->on;
        Plan how = plan(n, p->kept = varint(b, n));
        if (how.kind == GAPS) p->escapes = varint(b, ((n - how.rare) >> how.shift) / 255);
        c.bits += how.kind == PLAIN ? n : how.rare * (u64)how.shift;
        c.symbols += how.kind == BYTES ? (n + 7) / 8 : how.kind == GAPS ? how.rare + p->escapes : 0;
    }
    c.plain = take(b, (c.bits + 7) / 8);
    need(c.bits % 8 == 0 || c.plain[c.bits / 8] >> c.bits % 8 == 0, "bits follow the end of the plain bits");
    c.lanes = c.symbols ? 1 + c.symbols / 4096 : 0;
    c.state = memory(c.lanes, sizeof *c.state);
    for (u64 i = 0; i < c.lanes; i++)
        need((c.state[i] = (u32)little_endian(take(b, 4), 4)) >= 65536, "a state of the coder is impossible");
    c.words = *b;
    c.symbols = c.bits = 0;
    u8 *mask = memory(total, 1), *out = mask;
    for (Parameter *p = layers; p < layers + count; out += p++->size) {
        u64 n = p->size - p->off - p->on;
        layer_bits(&c, out, n, plan(n, p->kept), p->escapes);
        if (n < p->size) with_locks(out, seed, p);
        p->kept += p->on;
    }
    for (u64 i = 0; i < c.lanes; i++) need(c.state[i] == 65536, "the coded mask does not end as it must");
    need(c.words.at == c.words.end, "bytes follow the mask");
    return mask;
}

static int check(const char *what, Sha *s, const u8 *stored) {
    u8 digest[32];
    sha_end(s, digest);
    printf("%-8s", what);
    for (int i = 0; i < 32; i++) printf("%02x", stored[i]);
    puts(memcmp(digest, stored, 32) ? " WRONG" : " ok");
    return !memcmp(digest, stored, 32);
}

static u8 *float_bytes(float x, u8 bytes[4]) {
    u32 v;
    memcpy(&v, &x, 4);
    for (int i = 0; i < 4; i++) bytes[i] = (u8)(v >> 8 * i);
    return bytes;
}

int main(int argc, char **argv) {
    FILE *f = argc > 1 && argc < 5 ? fopen(argv[1], "rb") : NULL;
    if (!f) { fputs("usage: ticket FILE [MASK [WEIGHTS]], FILE being one that can be read\n", stderr); return 2; }
    long end = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    need(end >= 40 && !fseek(f, 0, SEEK_SET), "the file ends too early");
    u8 *data = memory((u64)end, 1), bytes[4];
    need(fread(data, 1, (size_t)end, f) == (size_t)end, "the file cannot be read");
    Sha s = sha_begin;
    sha_add(&s, data, (u64)end - 32);
    if (!check("ticket", &s, data + end - 32)) return 1;

    Bytes b = {data + 8, data + end - 32}; /* in data and header a zero follows the end, so that searches end there */
    u64 length = little_endian(data, 8), count, drawn, maskable = 0, total = 0, kept = 0;
    char *at = find((char *)take(&b, length), "{\"__metadata__\":{\"ticket\":\"");
    char *header = memory(length, 1), *to = header;
    for (need(at != NULL, "the file is no ticket"); (u8 *)at < b.at && *at != '"'; *to++ = *at++) {
        at += *at == '\\';
        need(*at >= ' ' && *at <= '~', "the header is not as it must be");
    }
    at = find(find(at, "\"mask\":{"), "\"data_offsets\":");
    take(&b, number(&at, '['));
    need(number(&at, ',') == (u64)end - 8 - length, "the mask does not end the file");
    puts(header);
    char *version = find(header, "\"version\""), *seed_at = find(header, "\"seed\"");
    char *kind = find(header, "\"weights\":"), *rest_at = find(header, "\"rest\":[");
    need(number(&version, ':') == 1, "the ticket is not of format version 1");
    const u64 seed = number(&seed_at, ':');
    const Recipe *recipe = recipes;
    while (recipe->name && !(kind && !strncmp(kind, recipe->name, strlen(recipe->name)))) recipe++;
    const char *scale = recipe->name ? kind + strlen(recipe->name) : "";
    int dynamic = !strncmp(scale, "/dynamic\"", 9), scaled = dynamic || !strncmp(scale, "/static\"", 8);
    need(scaled || *scale == '"', "the recipe is unknown");
    Parameter *layers = parameters(find(header, "\"layers\":["), &count, &maskable, 0);
    Parameter *rest = parameters(rest_at, &drawn, &total, 1);
    const u8 *digests = take(&b, 64);
    for (u64 i = 0, locked = varint(&b, 1); locked && i < count; i++) {
        layers[i].off = varint(&b, layers[i].size);
        layers[i].on = varint(&b, layers[i].size - layers[i].off);
    }
    u8 *mask = decode_mask(&b, layers, count, maskable, seed), *bit = mask;
    for (Parameter *p = layers; p < layers + count; kept += p++->kept)
        printf("%s keeps %llu of %llu\n", p->name, (unsigned long long)p->kept, (unsigned long long)p->size);
    s = sha_begin;
    sha_add(&s, mask, maskable);
    int right = check("mask", &s, digests + 32);
    f = argc > 2 ? fopen(argv[2], "wb") : NULL;
    need(argc < 3 || (f && fwrite(mask, 1, maskable, f) == maskable && !fclose(f)), "cannot write MASK");
    f = argc > 3 ? fopen(argv[3], "wb") : NULL;
    need(argc < 4 || f, "cannot write WEIGHTS");
    s = sha_begin;
    for (u64 i = 0; i < count + drawn; i++) {
        const Parameter *p = i < count ? layers + i : rest + (i - count);
        u64 size = dynamic ? p->size : maskable, on = dynamic ? p->kept : kept;
        float factor = scaled && on ? (float)root((double)size / (double)on) : 1;
        Philox stream = philox(seed, "weight", p->name);
        double width = spread(recipe, p);
        for (u64 j = 0; j < p->size; j++) {
            float w = weight(&stream, recipe->values, width);
            sha_add(&s, float_bytes(w, bytes), 4);
            float_bytes(i >= count ? w : *bit++ ? w * factor : 0, bytes);
            need(!f || fwrite(bytes, 1, 4, f) == 4, "cannot write WEIGHTS");
        }
    }
    need(!f || !fclose(f), "cannot write WEIGHTS");
    return check("weights", &s, digests) && right ? 0 : 1;
}
