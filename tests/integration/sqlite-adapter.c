/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite-adapter.h"

#include <sqlite3.h>

const char *sqlite_test_path(void)
{
	return testing_path("t.db");
}

uint32_t sqlite_test_try(struct adapter_test *test, const char *path, const char *const *options)
{
	const char *all[16] = {NULL};
	char setting[4200];
	size_t count = 1;

	snprintf(setting, sizeof(setting), "path=%s", path);
	all[0] = setting;
	for (; options && *options; options++)
		all[count++] = *options;
	return adapter_open(test, "sqlite", all);
}

void sqlite_test_open(struct adapter_test *test, const char *sql, const char *const *options)
{
	if (sql)
		sqlite_test_raw(sql);
	ADAPTER_MUST(test, !sqlite_test_try(test, sqlite_test_path(), options));
}

static int keep_cell(void *context, int count, char **values, char **names)
{
	char *answer = context;

	(void)names;
	if (count)
		snprintf(answer, 1024, "%s", values[0] ? values[0] : "NULL");
	return 0;
}

const char *sqlite_test_raw(const char *sql)
{
	static char answer[1024];
	char *message = NULL;
	sqlite3 *db = NULL;
	int code;

	*answer = '\0';
	code = sqlite3_open(sqlite_test_path(), &db);
	sqlite3_busy_timeout(db, 1000);
	if (!code)
		code = sqlite3_exec(db, "PRAGMA synchronous=off", NULL, NULL, NULL);
	if (!code)
		code = sqlite3_exec(db, sql, keep_cell, answer, &message);
	if (code) {
		fprintf(stderr, "%s: %s\n", sql, message ? message : sqlite3_errmsg(db));
		abort();
	}
	sqlite3_close(db);
	return answer;
}
