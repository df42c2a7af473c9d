#include "lists.h"

static const unsigned char interop_matrix_schema[] = {
#embed "../../Harness/Interop/interop-matrix.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Interop/interop-matrix.schema.json", interop_matrix_schema),
};

BOKBOK_DATA_LIST(bokbok_data_interop);
