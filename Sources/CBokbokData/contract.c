#include "lists.h"

static const unsigned char testee_schema[] = {
#embed "../../Harness/testee.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/testee.schema.json", testee_schema),
};

BOKBOK_DATA_LIST(bokbok_data_contract);
