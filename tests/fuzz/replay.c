/* Runs a target over every file in the folders that are named: replay_NAME FOLDER… */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/auto.h"
#include "tests/fuzz/fuzz.h"

static void replay(const char *path)
{
    AUTO(file) FILE *file = fopen(path, "re");
    AUTO(string) char *bytes = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&bytes, &length);
    int byte;

    HOLDS(file && memory);
    while ((byte = getc(file)) != EOF)
        putc(byte, memory);
    HOLDS(fclose(memory) == 0);
    /* Of exactly its length: so the sanitizer sees a reader that goes beyond it. */
    bytes = realloc(bytes, length ? length : 1);
    fprintf(stderr, "%s\n", path); /* the last one of a run that ends early is the culprit */
    LLVMFuzzerTestOneInput((const uint8_t *)bytes, length);
}

static int replay_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = 0;

    if (!directory)
        return 0;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char path[4096];
        if (entry->d_type != DT_REG)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        replay(path);
        count++;
    }
    closedir(directory);
    return count;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count == 0) {
            fprintf(stderr, "%s holds no seed\n", argv[i]);
            return EXIT_FAILURE;
        }
        printf("%s: %d\n", argv[i], count);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
