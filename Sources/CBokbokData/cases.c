#include "lists.h"

static const unsigned char addresses[] = {
#embed "../../Harness/Cases/addresses.json"
};
static const unsigned char cancellation[] = {
#embed "../../Harness/Cases/cancellation.json"
};
static const unsigned char case_schema[] = {
#embed "../../Harness/Cases/case.schema.json"
};
static const unsigned char closing[] = {
#embed "../../Harness/Cases/closing.json"
};
static const unsigned char errors[] = {
#embed "../../Harness/Cases/errors.json"
};
static const unsigned char exchanges[] = {
#embed "../../Harness/Cases/exchanges.json"
};
static const unsigned char frames[] = {
#embed "../../Harness/Cases/frames.json"
};
static const unsigned char handshake[] = {
#embed "../../Harness/Cases/handshake.json"
};
static const unsigned char keys[] = {
#embed "../../Harness/Cases/keys.json"
};
static const unsigned char ledger[] = {
#embed "../../Harness/Cases/Ledger/ledger.json"
};
static const unsigned char ledger_schema[] = {
#embed "../../Harness/Cases/Ledger/ledger.schema.json"
};
static const unsigned char opening[] = {
#embed "../../Harness/Cases/opening.json"
};
static const unsigned char ping[] = {
#embed "../../Harness/Cases/ping.json"
};
static const unsigned char records[] = {
#embed "../../Harness/Cases/records.json"
};
static const unsigned char service[] = {
#embed "../../Harness/Cases/service.json"
};
static const unsigned char settings[] = {
#embed "../../Harness/Cases/settings.json"
};
static const unsigned char standard_streams[] = {
#embed "../../Harness/Cases/standard-streams.json"
};
static const unsigned char values[] = {
#embed "../../Harness/Cases/values.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Cases/addresses.json", addresses),
    BOKBOK_DATA_FILE("Harness/Cases/cancellation.json", cancellation),
    BOKBOK_DATA_FILE("Harness/Cases/case.schema.json", case_schema),
    BOKBOK_DATA_FILE("Harness/Cases/closing.json", closing),
    BOKBOK_DATA_FILE("Harness/Cases/errors.json", errors),
    BOKBOK_DATA_FILE("Harness/Cases/exchanges.json", exchanges),
    BOKBOK_DATA_FILE("Harness/Cases/frames.json", frames),
    BOKBOK_DATA_FILE("Harness/Cases/handshake.json", handshake),
    BOKBOK_DATA_FILE("Harness/Cases/keys.json", keys),
    BOKBOK_DATA_FILE("Harness/Cases/Ledger/ledger.json", ledger),
    BOKBOK_DATA_FILE("Harness/Cases/Ledger/ledger.schema.json", ledger_schema),
    BOKBOK_DATA_FILE("Harness/Cases/opening.json", opening),
    BOKBOK_DATA_FILE("Harness/Cases/ping.json", ping),
    BOKBOK_DATA_FILE("Harness/Cases/records.json", records),
    BOKBOK_DATA_FILE("Harness/Cases/service.json", service),
    BOKBOK_DATA_FILE("Harness/Cases/settings.json", settings),
    BOKBOK_DATA_FILE("Harness/Cases/standard-streams.json", standard_streams),
    BOKBOK_DATA_FILE("Harness/Cases/values.json", values),
};

BOKBOK_DATA_LIST(bokbok_data_cases);
