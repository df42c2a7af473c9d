#include "CBokbokRelay.h"

int main(int argument_count, char *arguments[]) { return bokbok_relay(argument_count, arguments); }
