#include "lists.h"

static const unsigned char schema[] = {
#embed "../../Harness/Cases/case.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Cases/case.schema.json", schema),
};

BOKBOK_DATA_LIST(bokbok_data_cases);
