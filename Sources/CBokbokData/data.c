// `#embed` makes one binary of the command and its data. A test compares this list with the folders.
#pragma clang diagnostic ignored "-Wc23-extensions"
#include "CBokbokData.h"

static const unsigned char gitignore[] = {
#embed "../../.gitignore"
};

static const struct bokbok_data_file files[] = {
    {".gitignore", gitignore, sizeof gitignore},
};

size_t bokbok_data_count(void) { return sizeof files / sizeof files[0]; }

struct bokbok_data_file bokbok_data_at(size_t index) { return files[index]; }
