#include "lists.h"

static const unsigned char case_schema[] = {
#embed "../../Harness/Cases/case.schema.json"
};
static const unsigned char frames[] = {
#embed "../../Harness/Cases/frames.json"
};
static const unsigned char handshake[] = {
#embed "../../Harness/Cases/handshake.json"
};
static const unsigned char opening[] = {
#embed "../../Harness/Cases/opening.json"
};
static const unsigned char records[] = {
#embed "../../Harness/Cases/records.json"
};
static const unsigned char settings[] = {
#embed "../../Harness/Cases/settings.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Cases/case.schema.json", case_schema),
    BOKBOK_DATA_FILE("Harness/Cases/frames.json", frames),
    BOKBOK_DATA_FILE("Harness/Cases/handshake.json", handshake),
    BOKBOK_DATA_FILE("Harness/Cases/opening.json", opening),
    BOKBOK_DATA_FILE("Harness/Cases/records.json", records),
    BOKBOK_DATA_FILE("Harness/Cases/settings.json", settings),
};

BOKBOK_DATA_LIST(bokbok_data_cases);
