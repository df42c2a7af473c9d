#include "lists.h"

static const unsigned char report_schema[] = {
#embed "../../Harness/Reports/report.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Reports/report.schema.json", report_schema),
};

BOKBOK_DATA_LIST(bokbok_data_reports);
