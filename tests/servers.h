/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SERVERS_H
#define CONSORT_SERVERS_H

/*
 * Database servers for tests, over scripts/servers, which says what servers and variables there are.
 *
 * A test that only talks to a server asks for it by a variable, and is skipped where the server does not run:
 *
 *     const char *dsn = servers_get("postgres", "DSN");       (CONSORT_TEST_POSTGRES_DSN, if that is set)
 *
 * A test that does harm starts one that is its program's own, by whose name it goes, as programs run at the
 * same time. main() removes it when all cases have run:
 *
 *     servers_start("postgres@crash");
 *     servers_kill("postgres@crash");
 *
 * A case ends as skipped where the engine is not installed, and as failed when a server does not do what it
 * is told.
 */

#include <sys/types.h>

/* A variable's value, "DSN"; valid until the process ends. */
const char *servers_get(const char *server, const char *variable);

/* Starts it, if it does not run. Again at the same port after any of the calls below. */
void servers_start(const char *server);
/* Ends it in an orderly way. */
void servers_stop(const char *server);
/* SIGKILL to all its processes; returns when they are gone. */
void servers_kill(const char *server);
/* SIGSTOP and SIGCONT to all its processes. */
void servers_pause(const char *server);
void servers_resume(const char *server);
/* Its main process. */
pid_t servers_pid(const char *server);

/* Stops it and deletes what it holds; for main(), behind testing_main. Nothing happens if it was never
 * started. */
void servers_remove(const char *server);

#endif
