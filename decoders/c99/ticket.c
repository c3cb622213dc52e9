/* Reads ticketry's ticket files, format version 1: checks them, rebuilds mask and network. FORMAT.md specifies them.
   Build: cc -std=c99 -O2 -ffp-contract=off ticket.c -o ticket. Use: ./ticket FILE [MASK [WEIGHTS]]
   MASK gets one byte, 0 or 1, for every maskable weight. WEIGHTS gets little-endian float32, the parameters of the
   network: the layers, masked, then `rest`, `fixed`, the tensors `fixed.*`, and the tensors `rest.*` of other names;
   trained values where the file has them. Exit 0: every digest is right; 1: one is not, or the file is not as it must
   be; 2: the call is wrong. Without a library of mathematics all machines agree. */
#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if FLT_EVAL_METHOD != 0
#error "every operation must be rounded to its own type; on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif
#ifndef MAX_WEIGHTS /* a multiple of 2^24: what the reader is willing to spend, as section 1 of FORMAT.md says */
#define MAX_WEIGHTS (UINT64_C(1) << 24)
#endif

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

static void sha_block(u32 h[8], const u8 *block) {
    u32 w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], x = h[7];
    for (int i = 0; i < 16; i++, block += 4)
        w[i] = (u32)block[0] << 24 | (u32)block[1] << 16 | (u32)block[2] << 8 | block[3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3)
             + (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 64; i++) {
        u32 s = x + sha_k[i] + w[i] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g));
        u32 t = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        x = g, g = f, f = e, e = d + s, d = c, c = b, b = a, a = s + t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += x;
}

static void sha_add(Sha *s, const void *data, u64 n) {
    const u8 *p = data;
    while (n) {
        u64 used = s->length % 64, some = n < 64 - used ? n : 64 - used;
        if (some < 64) memcpy(s->block + used, p, (size_t)some);
        if (used + some == 64) sha_block(s->h, some < 64 ? s->block : p);
        s->length += some, p += some, n -= some;
    }
}

static void sha_end(Sha *s, u8 digest[32]) {
    u64 bits = 8 * s->length;
    for (sha_add(s, "\x80", 1); s->length % 64 != 56;) sha_add(s, "", 1);
    for (int i = 56; i >= 0; i -= 8) sha_add(s, (u8[]){(u8)(bits >> i)}, 1);
    for (int i = 0; i < 32; i++) digest[i] = (u8)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

typedef struct { u64 key[2], block, word[4], bits; } Philox;
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;
static u64 multiply(u64 a, u64 b, u64 *low) { return *low = a * b, (u64)((u128)a * b >> 64); } /* the upper half */
#else
static u64 multiply(u64 a, u64 b, u64 *low) { /* gives the upper half of a * b */
    u64 a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    u64 middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & 0xffffffff);
    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}
#endif

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

typedef struct { u64 start, stop; } Range;
typedef struct { /* a parameter, or a tensor of the file */
    const char *name;
    u64 dims, size, dim[8], fan_in, off, on, kept, escapes, ranges;
    const Range *zeros; /* so many `ranges` of its numbers that are 0 */
    const u8 *data, *trained; /* its values, those that training gave it, where the file has them */
    u32 bits; /* the one value that it has everywhere */
    int part; /* l: of layers, r: rest, f: fixed; of tensors, b: buffers.*, F: fixed.*, t: rest.*, v: values */
} Parameter;
typedef struct { const char *name; char values; double top; int fans, biases; } Recipe; /* spread: root(top / sum of fans) */
static const Recipe recipes[8] = {
    {"\"signed-constant", 's', 2, 1, 0}, {"\"kaiming-uniform", 'u', 6, 1, 0}, {"\"kaiming-normal", 'n', 2, 1, 0},
    {"\"xavier-uniform", 'u', 6, 2, 0},  {"\"xavier-normal", 'n', 2, 2, 0},   {"\"uniform", 'u', 1, 0, 1},
    {"\"torch-default", 'u', 1, 1, 1},   {NULL, 0, 0, 0, 0}};

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

static const char malformed[] = "the header is not as it must be";

static int begins(char **at, const char *text) { /* whether a text comes next, which is then passed */
    size_t n = strlen(text);
    int here = !strncmp(*at, text, n);
    return *at += here ? n : 0, here;
}

static void expect(char **at, const char *text) { need(begins(at, text), malformed); }

static u64 number(char **at, u64 low, u64 high) {
    u64 value = 0, digit;
    need(**at >= '0' && **at <= '9' && (**at != '0' || (*at)[1] < '0' || (*at)[1] > '9'), malformed);
    for (; **at >= '0' && **at <= '9'; ++*at) {
        digit = (u64)(**at - '0');
        need(value <= (high - digit) / 10 && digit <= high, "a number is too large");
        value = 10 * value + digit;
    }
    return need(value >= low, "a number is too small"), value;
}

static u32 hex(char **at, int digits) { /* lower-case ones */
    u32 value = 0;
    for (; digits--; ++*at) {
        int figure = **at >= '0' && **at <= '9', letter = **at >= 'a' && **at <= 'f';
        need(figure || letter, malformed);
        value = value << 4 | (u32)(**at - (figure ? '0' : 'a' - 10));
    }
    return value;
}

static int is_finite(u32 bits) { return (bits >> 23 & 255) < 255; }

static u32 float_text(char **at) { /* a text with the bits of a finite float32 */
    expect(at, "\"");
    u32 bits = hex(at, 8);
    expect(at, "\"");
    return need(is_finite(bits), "a number is not finite"), bits;
}

static char *text(char **at, u64 least, u64 most) { /* a text of so many characters, none of them hidden; its start */
    static const u32 hidden[][2] = {{0x7f, 0x9f},     {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                                    {0xd800, 0xdfff}, {0xfeff, 0xfeff}, {0xfff0, 0xffff}};
    u64 count = 0;
    expect(at, "\"");
    char *start = *at;
    for (u32 c; **at != '"'; count++) {
        need(**at, malformed); /* the end */
        if (!begins(at, "\\")) { ++*at; continue; }
        if (**at == '"' || **at == '\\') { ++*at; continue; }
        expect(at, "u");
        if ((c = hex(at, 4)) >> 10 == 0xd800 >> 10) {
            expect(at, "\\u");
            need(hex(at, 4) >> 10 == 0xdc00 >> 10, malformed);
            continue;
        }
        need(c > 0x7e, malformed); /* has a shorter form, or is hidden */
        for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
            need(c < hidden[i][0] || c > hidden[i][1], "a text has hidden characters");
    }
    ++*at;
    return need(count >= least && count <= most, "a text is too short or too long"), start;
}

static char *name_end(char *at) { /* where a name ends */
    char *start = at;
    while (*at > ' ' && *at <= '~' && *at != '|' && *at != '"' && *at != '\\') at++;
    return need(at > start && at - start < 256 && *at == '"', "a name is not as it must be"), at;
}

static char *name(char **at) { /* a name, ended by a zero */
    expect(at, "\"");
    char *start = *at;
    *(*at = name_end(start)) = 0;
    return ++*at, start;
}

static void shape(char **at, Parameter *p, u64 most) { /* numbers up to a bracket; `most`: product */
    for (p->size = 1; **at != ']'; p->dims++) {
        if (p->dims || (*at)[-1] != '[') expect(at, ",");
        need(p->dims < 8, "a shape has too many dimensions");
        u64 n = p->dim[p->dims] = number(at, 1, 0x7fffffff);
        need(p->size <= most / n, "a shape has too many numbers");
        p->size *= n;
    }
    ++*at;
}

static void *grown(void *list, u64 count, size_t size) { /* room for one more, at least */
    need(count < MAX_WEIGHTS / 2048, "the ticket lists more than this reader accepts");
    if (count & (count - 1)) return list;
    return need((list = realloc(list, (size_t)(2 * count + 1) * size)) != NULL, "out of memory"), list;
}

static Parameter *parameters(char **at, int part, u64 *count, u64 *total) { /* rows of a name and numbers */
    Parameter *list = NULL, *p;
    *count = 0;
    do {
        list = grown(list, *count, sizeof *list);
        memset(p = list + (*count)++, 0, sizeof *p);
        expect(at, "[");
        p->name = name(at);
        p->part = part;
        if (part == 'r') expect(at, ","), p->fan_in = number(at, 0, 0x7fffffff);
        if (part == 'f') expect(at, ","), p->bits = float_text(at);
        shape(at, p, MAX_WEIGHTS);
        need((*total += p->size) <= MAX_WEIGHTS, "the ticket has too many weights for this reader");
    } while (begins(at, ","));
    expect(at, "]");
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

static u64 smallest(const u64 *word, u64 n, u64 m, u64 *ties) { /* the m-th, from 1; how many like it are among the m */
    u64 *count = memory(65536, sizeof *count), cut = 0, digit;
    for (int shift = 48; m && shift >= 0; shift -= 16, memset(count, 0, 65536 * sizeof *count)) {
        for (u64 i = 0; i < n; i++)
            if (shift == 48 || (word[i] ^ cut) >> (shift + 16) == 0) count[word[i] >> shift & 65535]++;
        for (digit = 0; m > count[digit]; digit++) m -= count[digit];
        cut |= digit << shift;
    }
    free(count);
    return *ties = m, cut;
}

static void with_locks(u8 *mask, u64 seed, const Parameter *p) { /* the searched bits come first in mask */
    u8 *searched = memcpy(memory(p->size, 1), mask, (size_t)p->size), *bit = searched;
    u64 *word = memory(p->size, sizeof *word), cut[2], ties[2];
    Philox stream = philox(seed, "lock", p->name);
    for (u64 i = 0; i < p->size; i++) word[i] = draw(&stream, 64);
    for (int on = 0; on < 2; on++) cut[on] = smallest(word, p->size, p->off + (on ? p->on : 0), ties + on);
    for (u64 i = 0; i < p->size; i++) {
        int in[2];
        for (int on = 0; on < 2; on++) in[on] = word[i] < cut[on] || (word[i] == cut[on] && ties[on] && ties[on]--);
        mask[i] = in[0] ? 0 : in[1] ? 1 : *bit++;
    }
    free(word);
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

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }
static int by_name(const void *a, const void *b) { return by_text(*(void *const *)a, *(void *const *)b); }

typedef struct {
    u64 classes, seed, weights, count[4]; /* numbers of layers, rest, fixed, tensors */
    Parameter *layers, *rest, *fixed, *tensors;
    const Recipe *recipe;
    int scaled, dynamic;
} Ticket;

static const struct { const char *name, *scaling, *labels; u64 pairs; } presets[3] = {
    {"cifar-10", "[\"u8\",[\"3c82100e\",\"bffea713\"],[\"3c83eea5\",\"bffd7a0f\"],[\"3c759b94\",\"bfda7890\"]]",
     "[\"airplane\",\"automobile\",\"bird\",\"cat\",\"deer\",\"dog\",\"frog\",\"horse\",\"ship\",\"truck\"]", 3},
    {"fashion-mnist", "[\"u8\",[\"3c36039d\",\"bf4f6928\"]]",
     "[\"T-shirt/top\",\"Trouser\",\"Pullover\",\"Dress\",\"Coat\",\"Sandal\",\"Shirt\",\"Sneaker\",\"Bag\",\"Ankle boot\"]", 1},
    {"mnist", "[\"u8\",[\"3c508a14\",\"bed93270\"]]", "", 1}};

static void read_labels(char **at, u64 classes) {
    const char **list = memory(classes, sizeof *list);
    expect(at, "[");
    for (u64 i = 0; i < classes; i++, expect(at, i < classes ? "," : "]")) {
        list[i] = text(at, 1, 64);
        (*at)[-1] = 0; /* for now: ends the text */
    }
    qsort(list, (size_t)classes, sizeof *list, by_text);
    for (u64 i = 1; i < classes; i++) need(strcmp(list[i - 1], list[i]), "two labels are equal");
    for (u64 i = 0; i < classes; i++) *strchr(list[i], 0) = '"';
    free(list);
}

static u64 read_scaling(char **at) { /* the number of its pairs */
    expect(at, "[");
    int bytes = begins(at, "\"u8\""), equal = 1;
    u64 pairs = 0;
    u32 first[2] = {0, 0}, pair[2];
    if (!bytes) expect(at, "\"f32\"");
    while (begins(at, ",[")) {
        pair[0] = float_text(at);
        expect(at, ",");
        pair[1] = float_text(at);
        expect(at, "]");
        need(pair[0] << 1 && pair[1] != 0x80000000, "a gain is 0 or a shift -0");
        if (!pairs++) memcpy(first, pair, sizeof pair);
        equal = equal && !memcmp(first, pair, sizeof pair);
    }
    expect(at, "]");
    need(pairs == 1 || (pairs && !equal), "a scaling has not its shortest form");
    return need(bytes || pairs > 1 || first[0] != 0x3f800000 || first[1], "a scaling changes nothing"), pairs;
}

static void read_zeros(char **at, Ticket *t) {
    Range *ranges = NULL; /* all of them, in the order of names and starts */
    Parameter **of = NULL, *p = NULL;
    u64 count = 0;
    do {
        expect(at, "[");
        const char *whose = name(at);
        if (!p || strcmp(p->name, whose)) {
            need(!p || strcmp(p->name, whose) < 0, "zeros are not in order");
            for (p = t->rest; p < t->rest + t->count[1] && strcmp(p->name, whose);) p++;
            need(p < t->rest + t->count[1], "zeros are not of a parameter in rest");
        }
        ranges = grown(ranges, count, sizeof *ranges);
        of = grown(of, count, sizeof *of);
        expect(at, ",");
        ranges[count].start = number(at, p->ranges ? ranges[count - 1].stop + 1 : 0, p->size - 1);
        expect(at, ",");
        ranges[count].stop = number(at, ranges[count].start + 1, p->size);
        expect(at, "]");
        of[count++] = p;
        p->ranges++;
    } while (begins(at, ","));
    expect(at, "]");
    while (count--) of[count]->zeros = ranges + count;
    free(of);
}

static void read_header(char *at, Ticket *t) { /* strictly in the order of the keys */
    char *version = strstr(at, "\"version\":"), *start;
    const char *scaling = NULL, *labels = NULL;
    u64 pairs = 1, preset = 3, scaling_size = 0, labels_size = 0;
    Parameter input = {0};
    need(version && !strncmp(version + 10, "1,", 2), "the ticket is not of format version 1");
    expect(&at, "{");
    if (begins(&at, "\"built\":\"")) hex(&at, 8), hex(&at, 8), expect(&at, "\",");
    expect(&at, "\"classes\":"), t->classes = number(&at, 1, MAX_WEIGHTS / 256);
    expect(&at, ",\"data\":"), text(&at, 0, 4096);
    if (begins(&at, ",\"fixed\":[")) t->fixed = parameters(&at, 'f', t->count + 2, &t->weights);
    for (u64 i = 1; i < t->count[2]; i++)
        need(strcmp(t->fixed[i - 1].name, t->fixed[i].name) < 0, "fixed is not in the order of names");
    expect(&at, ",\"input\":["), shape(&at, &input, MAX_WEIGHTS / 4);
    if (begins(&at, ",\"kind\":")) expect(&at, "\"trainable\"");
    if (begins(&at, ",\"labels\":")) labels = at, read_labels(&at, t->classes), labels_size = (u64)(at - labels);
    expect(&at, ",\"layers\":["), t->layers = parameters(&at, 'l', t->count, &t->weights);
    expect(&at, ",\"method\":"), text(&at, 0, 4096);
    expect(&at, ",\"model\":"), text(&at, 0, 4096);
    if (begins(&at, ",\"objective\":"))
        start = text(&at, 1, 4096), need(strncmp(start, "classification\"", 15), "an objective says nothing");
    if (begins(&at, ",\"preset\":\"")) {
        for (preset = 0; preset < 3 && !begins(&at, presets[preset].name);) preset++;
        expect(&at, "\"");
        need(preset < 3 && !labels && (t->classes == 10 || !*presets[preset].labels), "the preset does not fit");
        pairs = presets[preset].pairs;
    }
    if (begins(&at, ",\"rest\":[")) t->rest = parameters(&at, 'r', t->count + 1, &t->weights);
    expect(&at, ",\"run\":"), text(&at, 0, 4096);
    if (begins(&at, ",\"scaling\":")) scaling = at, pairs = read_scaling(&at), scaling_size = (u64)(at - scaling);
    need(!scaling || preset == 3, "a preset stands for a scaling");
    need(pairs == 1 || ((input.dims == 1 || input.dims == 3) && input.dim[0] == pairs), "the scaling does not fit");
    for (u64 i = 0; i < 3; i++)
        need(scaling_size != strlen(presets[i].scaling) || labels_size != strlen(presets[i].labels)
                 || memcmp(scaling, presets[i].scaling, (size_t)scaling_size)
                 || (labels && memcmp(labels, presets[i].labels, (size_t)labels_size)),
             "a preset is to be used");
    expect(&at, ",\"seed\":"), t->seed = number(&at, 0, INT64_MAX);
    for (u64 i = 0; i < t->classes && (i ? (expect(&at, ","), 1) : begins(&at, ",\"target\":[")); i++) {
        expect(&at, "["), float_text(&at), expect(&at, ",");
        u32 scale = float_text(&at);
        need(scale && scale >> 31 == 0, "a target's scale is not above 0");
        expect(&at, i + 1 < t->classes ? "]" : "]]");
    }
    expect(&at, ",\"version\":1,\"weights\":");
    for (t->recipe = recipes; t->recipe->name && !begins(&at, t->recipe->name);) t->recipe++;
    need(t->recipe->name != NULL, "the recipe is unknown");
    t->dynamic = begins(&at, "/dynamic"), t->scaled = t->dynamic || begins(&at, "/static");
    expect(&at, "\"");
    for (u64 i = 0; i < t->count[1]; i++)
        need(!t->rest[i].fan_in || t->recipe->biases, "the recipe draws no biases");
    if (begins(&at, ",\"zeros\":[")) read_zeros(&at, t);
    expect(&at, "}"), need(!*at, malformed);
    u64 rows = t->count[0] + t->count[1] + t->count[2];
    for (u64 i = 0; i < t->count[1]; i++) rows += t->rest[i].ranges;
    need(rows <= MAX_WEIGHTS / 2048, "the ticket lists more than this reader accepts");
}
static u32 bits_at(const Parameter *p, u64 i) { return (u32)little_endian(p->data + 4 * i, 4); }

static int same_shape(const Parameter *a, const Parameter *b) {
    return a->dims == b->dims && !memcmp(a->dim, b->dim, sizeof a->dim);
}

static Bytes read_tensors(char *at, const char *end, Bytes b, Ticket *t) { /* gives the mask; b: the tensors' bytes */
    const u8 *start = b.at;
    const char *last = "";
    Parameter *p, blob = {0};
    do {
        int mask = begins(&at, ",\"mask\":{\"dtype\":\"U8\",\"shape\":[");
        t->tensors = grown(t->tensors, t->count[3], sizeof *t->tensors);
        memset(p = mask ? &blob : t->tensors + t->count[3]++, 0, sizeof *p);
        if (!mask) {
            expect(&at, ",");
            p->name = name(&at);
            need(strcmp(last, p->name) < 0, "the tensors are not in the order of their names");
            last = p->name;
            expect(&at, ":{\"dtype\":\"F32\",\"shape\":[");
        }
        shape(&at, p, (u64)(b.end - b.at) + (mask ? 32 : 0));
        p->data = take(&b, mask ? p->size - 32 : 4 * p->size);
        need(!mask || p->dims == 1, "the mask has not one dimension");
        expect(&at, ",\"data_offsets\":[");
        number(&at, (u64)(p->data - start), (u64)(p->data - start));
        expect(&at, ",");
        number(&at, (u64)(b.at - start) + (mask ? 32 : 0), (u64)(b.at - start) + (mask ? 32 : 0));
        expect(&at, "]}");
        for (u64 i = 0; !mask && i < p->size; i++) need(is_finite(bits_at(p, i)), "a number is not finite");
    } while (p != &blob);
    expect(&at, "}");
    while (at < end && *at == ' ') at++;
    need(at == end && end[-8] != ' ', "the layout is not in canonical form");
    need(b.at == b.end, "bytes follow the tensors");
    return (Bytes){blob.data, b.end};
}

static const Parameter **check_names(Ticket *t, u64 *others) { /* every value has one place; gives tensors to add */
    static const char *const parts[4] = {"buffers.", "fixed.", "rest.", "values"};
    Parameter *lists[4] = {t->layers, t->rest, t->fixed, t->tensors}, *key, **found;
    u64 most = t->count[0] + t->count[1] + t->count[2] + t->count[3], n = 0;
    Parameter **all = memory(most, sizeof *all);
    const Parameter **other = memory(t->count[3], sizeof *other);
    for (u64 i = 0; i < t->count[3]; i++) {
        int part = 0;
        while (part < 4 && strncmp(t->tensors[i].name, parts[part], strlen(parts[part]))) part++;
        need(part < 4, "a tensor is unknown");
        t->tensors[i].name += strlen(parts[part]);
        t->tensors[i].part = "bFtv"[part];
        need(part == 3 ? !*t->tensors[i].name && t->tensors[i].dims == 1 : *t->tensors[i].name, "a tensor is unknown");
    }
    for (int list = 0; list < 4; list++)
        for (u64 i = 0; i < t->count[list]; i++)
            if (list < 3 || strchr("bF", lists[list][i].part)) all[n++] = lists[list] + i;
    qsort(all, (size_t)n, sizeof *all, by_name);
    for (u64 i = 1; i < n; i++) need(strcmp(all[i - 1]->name, all[i]->name), "two parameters have one name");
    *others = 0;
    for (u64 i = 0; i < t->count[3]; i++) {
        Parameter *p = key = t->tensors + i;
        u64 equal = 0;
        if (p->part == 'F') {
            while (equal < p->size && bits_at(p, equal) == bits_at(p, 0)) equal++;
            need(equal < p->size, "a tensor of fixed values is one number everywhere");
            other[(*others)++] = p;
        }
        if (p->part != 't') continue;
        if (!(found = bsearch(&key, all, (size_t)n, sizeof *all, by_name))) {
            other[(*others)++] = p;
            continue;
        }
        need(!strchr("lb", (*found)->part) && same_shape(*found, p), "trained values do not fit");
        for (u64 r = 0; r < (*found)->ranges; r++)
            for (u64 j = (*found)->zeros[r].start; j < (*found)->zeros[r].stop; j++)
                need(bits_at(p, j) << 1 == 0, "a trained value is to be 0");
        (*found)->trained = p->data;
    }
    return free(all), other;
}

typedef struct { FILE *f; Sha sha; u64 used; u8 bytes[1 << 14]; } Sink; /* a file, or a digest */
static void flush(Sink *to) {
    if (to->f) need(fwrite(to->bytes, 1, (size_t)to->used, to->f) == to->used, "cannot write WEIGHTS");
    else sha_add(&to->sha, to->bytes, to->used);
    to->used = 0;
}

static void put(Sink *to, const u8 *bytes, u64 numbers) {
    for (; to && numbers--; bytes += 4) {
        memcpy(to->bytes + to->used, bytes, 4);
        if ((to->used += 4) == sizeof to->bytes) flush(to);
    }
}

int main(int argc, char **argv) {
    FILE *f = argc > 1 && argc < 5 ? fopen(argv[1], "rb") : NULL;
    if (!f) { fputs("usage: ticket FILE [MASK [WEIGHTS]], FILE being one that can be read\n", stderr); return 2; }
    long end = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    need(end < 0 || (u64)end <= 8 * MAX_WEIGHTS, "the file is larger than this reader accepts");
    need(end >= 40 && !fseek(f, 0, SEEK_SET), "the file ends too early");
    u8 *data = memory((u64)end, 1), bytes[4], zero[4] = {0};
    need(fread(data, 1, (size_t)end, f) == (size_t)end, "the file cannot be read");
    fclose(f);
    Sha s = sha_begin;
    sha_add(&s, data, (u64)end - 32);
    if (!check("ticket", &s, data + end - 32)) return 1;

    Bytes b = {data + 8, data + end - 32};
    u64 length = little_endian(data, 8), kept = 0, maskable = 0, others;
    char *at = memcpy(memory(length, 1), take(&b, length), (size_t)length), *layout_end = at + length; /* a zero */
    char *header = memory(length, 1), *to = header;
    need(length <= MAX_WEIGHTS / 16, "the header is longer than this reader accepts");
    need(length % 8 == 0, "the layout is not in canonical form");
    need(begins(&at, "{\"__metadata__\":{\"ticket\":\""), "the file is no ticket");
    for (; *at != '"'; *to++ = *at++) {
        if (*at == '\\') at++, need(*at == '\\' || *at == '"', malformed);
        need(*at >= ' ' && *at <= '~', malformed);
    }
    expect(&at, "\"}");
    puts(header);
    Ticket t = {0};
    read_header(header, &t);
    b = read_tensors(at, layout_end, b, &t);
    const Parameter **other = check_names(&t, &others), *values = NULL;
    for (u64 i = 0; i < t.count[3]; i++) if (t.tensors[i].part == 'v') values = t.tensors + i;
    const u8 *digests = take(&b, 64);
    for (u64 i = 0, locked = varint(&b, 1); locked && i < t.count[0]; i++) {
        t.layers[i].off = varint(&b, t.layers[i].size);
        t.layers[i].on = varint(&b, t.layers[i].size - t.layers[i].off);
    }
    for (u64 i = 0; i < t.count[0]; i++) maskable += t.layers[i].size;
    u8 *mask = decode_mask(&b, t.layers, t.count[0], maskable, t.seed), *bit = mask;
    for (Parameter *p = t.layers; p < t.layers + t.count[0]; kept += p++->kept)
        printf("%s keeps %llu of %llu\n", p->name, (unsigned long long)p->kept, (unsigned long long)p->size);
    need(!values || values->size == kept, "there are more or fewer values than kept weights");
    s = sha_begin;
    sha_add(&s, mask, maskable);
    int right = check("mask", &s, digests + 32);
    f = argc > 2 ? fopen(argv[2], "wb") : NULL;
    need(argc < 3 || (f && fwrite(mask, 1, maskable, f) == maskable && !fclose(f)), "cannot write MASK");
    f = argc > 3 ? fopen(argv[3], "wb") : NULL;
    need(argc < 4 || f, "cannot write WEIGHTS");
    static Sink digest, file;
    Sink *out = f ? &file : NULL;
    digest.sha = sha_begin, digest.used = file.used = 0, file.f = f;
    for (u64 i = 0, used = 0; i < t.count[0] + t.count[1]; i++) {
        const Parameter *p = i < t.count[0] ? t.layers + i : t.rest + (i - t.count[0]);
        u64 size = t.dynamic ? p->size : maskable, on = t.dynamic ? p->kept : kept, range = 0;
        float factor = t.scaled && on ? (float)root((double)size / (double)on) : 1;
        Philox stream = philox(t.seed, "weight", p->name);
        double width = spread(t.recipe, p);
        for (u64 j = 0; j < p->size; j++) {
            float w = weight(&stream, t.recipe->values, width);
            if (range < p->ranges && j >= p->zeros[range].start) w = 0, range += j + 1 == p->zeros[range].stop;
            put(&digest, float_bytes(w, bytes), 1);
            if (p->part == 'r') put(out, p->trained ? p->trained + 4 * j : bytes, 1);
            else if (!*bit++) put(out, zero, 1);
            else put(out, values ? values->data + 4 * used++ : float_bytes(w * factor, bytes), 1);
        }
    }
    for (u64 i = 0; i < t.count[2]; i++)
        for (u64 j = 0; j < t.fixed[i].size; j++) {
            for (int k = 0; k < 4; k++) bytes[k] = (u8)(t.fixed[i].bits >> 8 * k);
            put(out, t.fixed[i].trained ? t.fixed[i].trained + 4 * j : bytes, 1);
        }
    for (u64 i = 0; i < others; i++) put(out, other[i]->trained ? other[i]->trained : other[i]->data, other[i]->size);
    flush(&digest);
    if (f) flush(&file);
    need(!f || !fclose(f), "cannot write WEIGHTS");
    return check("weights", &digest.sha, digests) && right ? 0 : 1;
}
