/* SPDX-License-Identifier: Apache-2.0 */
/* UPDATE and DELETE of what conditions and key sets say. */
#include "plan.h"

/* Runs a command for writes, and takes what it says of each of them. */
static uint32_t run_one(struct mongo_connection *conn, const struct mongo_compiled *compiled,
			const struct consort_run *run, const struct mongo_keys *keys, int64_t *affected,
			struct consort_error *error)
{
	bson_t command = BSON_INITIALIZER, reply = BSON_INITIALIZER;
	bson_iter_t errors;
	uint32_t status = mongo_change_of(compiled, run, keys, &command, error);

	if (status)
		goto out;
	if (conn->transaction == MONGO_TX_NONE)
		mongo_add_time(conn, &command);
	status = mongo_run(conn, MONGO_WRITE, &command, 0, compiled->resource, &reply, error);
	if (status)
		goto out;
	*affected += mongo_number(&reply, "n", 0);
	if (mongo_part(&reply, "writeErrors", &errors) && bson_iter_next(&errors))
		status = mongo_fail_write(&errors, compiled->resource, error);
out:
	bson_destroy(&command);
	bson_destroy(&reply);
	return status;
}

uint32_t mongo_execute(void *connection, const struct consort_call *call, void *context,
		       const struct consort_run *run, int64_t *out_affected, struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	const struct mongo_compiled *compiled = context;
	struct mongo_keys keys = {.batch = run->keys};
	bool grouped = false;
	int64_t affected = 0;
	uint32_t status = mongo_enter(conn, call, error);

	if (status)
		return status;
	status = mongo_may_write(conn, error);
	if (!status && compiled->keys && (!run->keys || run->keys->ncolumns != compiled->nkeys))
		status = consort_error_set(error, CONSORT_EINVAL,
					   "the key set is missing or of another width");
	if (!status)
		status = mongo_group_begin(conn, &grouped, error);
	if (!status && !compiled->keys)
		status = run_one(conn, compiled, run, NULL, &affected, error);
	while (!status && compiled->keys && keys.from < run->keys->nrows) {
		keys.to = mongo_keys_until(run->keys, keys.from);
		status = run_one(conn, compiled, run, &keys, &affected, error);
		keys.from = keys.to;
	}
	status = mongo_group_end(conn, grouped, status, error);
	if (!status)
		*out_affected = affected;
	mongo_leave(conn);
	return status;
}
