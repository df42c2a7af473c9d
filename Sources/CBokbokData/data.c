// The files that the command carries with it, in lists that each stand in a file of their own. A test compares the
// lists with the folders.
#include "CBokbokData.h"
#include "lists.h"

static const struct bokbok_data_list *const lists[] = {
    &bokbok_data_specification,
    &bokbok_data_cases,
    &bokbok_data_contract,
    &bokbok_data_implementations,
    &bokbok_data_vectors,
    &bokbok_data_recordings,
    &bokbok_data_reports,
    &bokbok_data_faults,
    &bokbok_data_coverage,
    &bokbok_data_interop,
};

size_t bokbok_data_count(void) {
  size_t count = 0;
  for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++) {
    count += lists[list]->count;
  }
  return count;
}

struct bokbok_data_file bokbok_data_at(size_t index) {
  size_t list = 0;
  while (index >= lists[list]->count) {
    index -= lists[list]->count;
    list++;
  }
  return lists[list]->files[index];
}
