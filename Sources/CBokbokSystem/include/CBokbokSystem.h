// Calls of the system that Swift does not import, since its headers show them to _GNU_SOURCE only.
#ifndef CBOKBOKSYSTEM_H
#define CBOKBOKSYSTEM_H

#include <spawn.h>

// Makes a pipe whose ends no command inherits. Returns 0 or an error number.
int bokbok_pipe(int ends[2]);

// Has a command that is started change its working directory. Returns 0 or an error number.
int bokbok_spawn_change_directory(posix_spawn_file_actions_t *actions, const char *path);

// Has a command that is started close all descriptors from 3 on, where the system can. Returns 0 or an error number.
int bokbok_spawn_close_others(posix_spawn_file_actions_t *actions);

#endif
