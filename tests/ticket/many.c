/* The C99 reader on many files in one process: ./many BATCH RESULTS. BATCH: for each file its length, 4 bytes,
   little-endian, then its bytes. RESULTS gets a line for each: exit code, seconds, bytes allocated at most. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static jmp_buf back;
static FILE *opened;
static struct { void *at; size_t size; } blocks[1 << 16];
static size_t block_count, allocated, most;

static void *note(void *old, void *at, size_t size) {
    size_t i = 0;
    while (i < block_count && blocks[i].at != old) i++;
    if (!old || i == block_count) i = block_count++;
    allocated += size - blocks[i].size;
    blocks[i].at = at;
    blocks[i].size = size;
    most = allocated > most ? allocated : most;
    return at;
}

static void *count_calloc(size_t n, size_t size) { return note(NULL, calloc(n, size), n * size); }
static void *count_realloc(void *old, size_t size) {
    void *at = malloc(size); /* always moves, so that a stale pointer shows */
    size_t i = 0;
    while (old && blocks[i].at != old) i++;
    if (old) memcpy(at, old, blocks[i].size < size ? blocks[i].size : size);
    note(old, at, size);
    free(old);
    return at;
}
static void count_free(void *at) {
    for (size_t i = 0; at && i < block_count; i++)
        if (blocks[i].at == at) {
            allocated -= blocks[i].size;
            blocks[i] = blocks[--block_count];
            blocks[block_count].size = 0;
            break;
        }
    free(at);
}
static int count_close(FILE *f) { return opened = NULL, fclose(f); }
static void leave(int code) { longjmp(back, code + 1); }

#define main reader
#define exit leave
#define calloc count_calloc
#define realloc count_realloc
#define free count_free
#define fclose count_close
#define fopen(path, mode) (opened = fopen(path, mode))
#include READER
#undef main
#undef exit
#undef calloc
#undef realloc
#undef free
#undef fclose
#undef fopen

int main(int argc, char **argv) {
    FILE *batch = argc == 4 ? fopen(argv[1], "rb") : NULL, *results = argc == 4 ? fopen(argv[2], "w") : NULL;
    unsigned char head[4];
    char *words[2] = {argv[0], argv[3]};
    while (batch && results && fread(head, 1, 4, batch) == 4) {
        uint32_t size = head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24;
        char *data = malloc(size + 1);
        if (fread(data, 1, size, batch) != size) return 3;
        FILE *one = fopen(argv[3], "wb");
        fwrite(data, 1, size, one);
        fclose(one);
        free(data);
        clock_t start = clock();
        int code = setjmp(back);
        if (code == 0) code = reader(2, words) + 1;
        fprintf(results, "%d %f %zu\n", code - 1, (double)(clock() - start) / CLOCKS_PER_SEC, most);
        fflush(results);
        if (opened) count_close(opened);
        while (block_count) free(blocks[--block_count].at), blocks[block_count].size = 0;
        allocated = most = 0;
    }
    return batch && results ? 0 : 2;
}
