/* SPDX-License-Identifier: Apache-2.0 */
/* Runs scripts/servers for a test, and reads the assignments that it prints. */
#include "servers.h"

#include "testing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

/* Runs `scripts/servers command server` and returns what it printed, to be freed; *out_status is its exit
 * status. */
static char *run_script(const char *command, const char *server, int *out_status)
{
	const char *script = testing_source("scripts/servers");
	char *printed = NULL;
	size_t size = 0;
	FILE *output, *memory = open_memstream(&printed, &size);
	int ends[2], c, status;
	pid_t pid;

	if (!memory || pipe(ends) || (pid = fork()) < 0) {
		perror(script);
		exit(1);
	}
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(script, script, command, server, (char *)NULL);
		perror(script);
		_exit(127);
	}
	close(ends[1]);
	output = fdopen(ends[0], "r");
	while (output && (c = getc(output)) != EOF)
		putc(c, memory);
	if (!output || fclose(output) || fclose(memory) || waitpid(pid, &status, 0) != pid) {
		perror(script);
		exit(1);
	}
	*out_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return printed;
}

/* The same for a command that has to succeed. */
static char *must_run(const char *command, const char *server)
{
	int status;
	char *printed = run_script(command, server, &status);
	char how[128];

	if (!status)
		return printed;
	free(printed);
	snprintf(how, sizeof(how), "%s: scripts/servers %s ended with %d", server, command, status);
	if (status == EXIT_SKIPPED)
		testing_skip(how);
	fprintf(stderr, "  %s\n", how);
	exit(1);
}

/* Sets what one line, export NAME='value', says; '\'' is a quote in the value. */
static void take_line(char *line)
{
	char *value = strchr(line, '='), *to;
	const char *from;
	int quoted = 0;

	if (strncmp(line, "export ", strlen("export ")) || !value)
		return;
	*value++ = '\0';
	for (from = to = value; *from; from++) {
		if (*from == '\'')
			quoted = !quoted;
		else if (quoted || *from != '\\')
			*to++ = *from;
		else if (from[1])
			*to++ = *++from;
	}
	*to = '\0';
	setenv(line + strlen("export "), value, 1);
}

static void take_variables(char *printed)
{
	char *rest = NULL, *line;

	for (line = strtok_r(printed, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		take_line(line);
	free(printed);
}

const char *servers_get(const char *server, const char *variable)
{
	char name[256], how[256];
	char *end, *printed;
	const char *value;
	int status;

	snprintf(name, sizeof(name), "CONSORT_TEST_%s_%s", server, variable);
	for (end = name; *end; end++)
		*end = (char)(isalnum((unsigned char)*end) ? toupper((unsigned char)*end) : '_');
	value = getenv(name);
	if (!value) {
		printed = run_script("env", server, &status);
		if (status) {
			free(printed);
			snprintf(how, sizeof(how), "%s: no server; scripts/servers start %s", server, server);
			testing_skip(how);
		}
		take_variables(printed);
		value = getenv(name);
	}
	if (!value) {
		fprintf(stderr, "  scripts/servers env %s does not set %s\n", server, name);
		exit(1);
	}
	return value;
}

void servers_start(const char *server)
{
	free(must_run("start", server));
	take_variables(must_run("env", server));
}

void servers_stop(const char *server)
{
	free(must_run("stop", server));
}

void servers_kill(const char *server)
{
	free(must_run("kill", server));
}

void servers_pause(const char *server)
{
	free(must_run("pause", server));
}

void servers_resume(const char *server)
{
	free(must_run("resume", server));
}

pid_t servers_pid(const char *server)
{
	char *printed = must_run("pid", server);
	pid_t pid = (pid_t)strtol(printed, NULL, 10);

	free(printed);
	return pid;
}

void servers_remove(const char *server)
{
	int status;

	free(run_script("remove", server, &status));
}
