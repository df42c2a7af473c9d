#include "lists.h"

static const unsigned char addresses[] = {
#embed "../../Harness/Faults/addresses.json"
};
static const unsigned char closing[] = {
#embed "../../Harness/Faults/closing.json"
};
static const unsigned char errors[] = {
#embed "../../Harness/Faults/errors.json"
};
static const unsigned char exchanges[] = {
#embed "../../Harness/Faults/exchanges.json"
};
static const unsigned char fault_schema[] = {
#embed "../../Harness/Faults/fault.schema.json"
};
static const unsigned char frames[] = {
#embed "../../Harness/Faults/frames.json"
};
static const unsigned char handshake[] = {
#embed "../../Harness/Faults/handshake.json"
};
static const unsigned char keys[] = {
#embed "../../Harness/Faults/keys.json"
};
static const unsigned char kill_matrix_schema[] = {
#embed "../../Harness/Faults/kill-matrix.schema.json"
};
static const unsigned char opening[] = {
#embed "../../Harness/Faults/opening.json"
};
static const unsigned char ping[] = {
#embed "../../Harness/Faults/ping.json"
};
static const unsigned char records[] = {
#embed "../../Harness/Faults/records.json"
};
static const unsigned char scope[] = {
#embed "../../Harness/Faults/scope.json"
};
static const unsigned char scope_schema[] = {
#embed "../../Harness/Faults/scope.schema.json"
};
static const unsigned char settings[] = {
#embed "../../Harness/Faults/settings.json"
};
static const unsigned char values[] = {
#embed "../../Harness/Faults/values.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Faults/addresses.json", addresses),
    BOKBOK_DATA_FILE("Harness/Faults/closing.json", closing),
    BOKBOK_DATA_FILE("Harness/Faults/errors.json", errors),
    BOKBOK_DATA_FILE("Harness/Faults/exchanges.json", exchanges),
    BOKBOK_DATA_FILE("Harness/Faults/fault.schema.json", fault_schema),
    BOKBOK_DATA_FILE("Harness/Faults/frames.json", frames),
    BOKBOK_DATA_FILE("Harness/Faults/handshake.json", handshake),
    BOKBOK_DATA_FILE("Harness/Faults/keys.json", keys),
    BOKBOK_DATA_FILE("Harness/Faults/kill-matrix.schema.json", kill_matrix_schema),
    BOKBOK_DATA_FILE("Harness/Faults/opening.json", opening),
    BOKBOK_DATA_FILE("Harness/Faults/ping.json", ping),
    BOKBOK_DATA_FILE("Harness/Faults/records.json", records),
    BOKBOK_DATA_FILE("Harness/Faults/scope.json", scope),
    BOKBOK_DATA_FILE("Harness/Faults/scope.schema.json", scope_schema),
    BOKBOK_DATA_FILE("Harness/Faults/settings.json", settings),
    BOKBOK_DATA_FILE("Harness/Faults/values.json", values),
};

BOKBOK_DATA_LIST(bokbok_data_faults);
