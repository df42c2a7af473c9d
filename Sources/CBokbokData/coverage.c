#include "lists.h"

static const unsigned char coverage_schema[] = {
#embed "../../Harness/Coverage/coverage.schema.json"
};
static const unsigned char unit_tests[] = {
#embed "../../Harness/Coverage/unit-tests.json"
};
static const unsigned char unit_tests_schema[] = {
#embed "../../Harness/Coverage/unit-tests.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Coverage/coverage.schema.json", coverage_schema),
    BOKBOK_DATA_FILE("Harness/Coverage/unit-tests.json", unit_tests),
    BOKBOK_DATA_FILE("Harness/Coverage/unit-tests.schema.json", unit_tests_schema),
};

BOKBOK_DATA_LIST(bokbok_data_coverage);
