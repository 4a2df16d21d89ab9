/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ADAPTER_H
#define CONSORT_ADAPTER_H

/*
 * What several adapters would write in the same way. Part of the static SDK library. All pure, from any thread.
 */

#include <consort/arena.h>
#include <consort/plugin.h>

CONSORT_BEGIN

/*
 * May the call go on? EUNSUPPORTED for flags that this header does not know, ECANCELLED, ETIMEOUT (some milliseconds
 * late); else OK. To be asked when an operation begins, and every so often in what takes long.
 */
uint32_t consort_call_check(const struct consort_call *call, struct consort_error *error);

/* The same for a write, whose own flags are looked at too. */
uint32_t consort_call_check_write(const struct consort_call *call, const struct consort_write *write,
				  struct consort_error *error);

/* May these rows be written? EUNSUPPORTED for flags of a write that this header does not know, EINVAL unless the batch
 * has a column for each attribute. */
uint32_t consort_write_check_rows(const struct consort_write *write, const struct consort_batch *rows,
				  struct consort_error *error);

/* The value of the option of that name, or NULL if it is not there. */
const struct consort_value *consort_setting_find(const struct consort_setting *settings, uint32_t count,
						 const char *name);

/*
 * Which of `own`'s attributes, as the adapter would introspect them, an attribute of a manifest's resource comes from.
 * *out_column: its position in own. ENAME if there is none of that source, ETYPE if it is declared with another type.
 */
uint32_t consort_attribute_find(const struct consort_resource *own, const struct consort_resource *resource,
				uint32_t attribute, uint32_t *out_column, struct consort_error *error);

/* Is the attribute at that position part of the resource's key? */
int consort_resource_is_key(const struct consort_resource *resource, uint32_t attribute);
/* The same of the attribute that a write's column is for. */
int consort_write_is_key(const struct consort_write *write, uint32_t column);

/* The name of the attribute that stands for an engine's column: the column itself if none does, or no resource is
 * known. It lives as long as both. */
const char *consort_resource_name_of(const struct consort_resource *resource, const char *column);

struct pollfd;

/* Polls until that time of host->clock(), 0: for as long as it takes; signals do not end it. 1: there is something to
 * be done, 0: the time is over, -1: it failed, and errno says why. */
int consort_poll_until(const struct consort_host *host, struct pollfd *fds, uint32_t count, int64_t until);

/* A codec as manifests name it, for attributes of one type; the number is the adapter's. */
struct consort_codec_name {
	uint16_t type; /* enum consort_type_id */
	uint16_t codec;
	const char *name;
};

/* The codec of that table that the attribute names. EVALUE with those that there are if it is not one for the
 * attribute's type; `engine` is the engine's name for the message. */
uint32_t consort_codec_find(const struct consort_codec_name *names, size_t count, const char *engine,
			    const struct consort_resource *resource, const struct consort_attribute *attribute,
			    uint8_t *out_codec, struct consort_error *error);

/*
 * The name of a relationship that a foreign key is made of, from its first column: author_id → author, origin →
 * origin_airport; of several columns the target's. `table` is the target's name without a schema. A name that an
 * attribute of the resource or one of its relationships so far has gets a number. NULL: no memory.
 */
const char *consort_relationship_name(struct consort_arena *arena, const struct consort_resource *resource,
				      const struct consort_relationship *link, const char *table);

/* Answers an offer for an engine that only reads: EXACT for each SCAN; everything else keeps NO, and gets `reason`, a
 * static text. More can be taken afterwards. */
void consort_offer_scan(const struct consort_node *tree, struct consort_offer *answer, const char *reason);

/* Is this conjunct of a FILTER over a SCAN `column = constant`: the attribute of that source, and of that type, beside
 * a literal or parameter of the same type? The constant is args[1] of the conjunct. */
int consort_condition_equals(const struct consort_node *filter, uint32_t conjunct, const char *source,
			     struct consort_type type);

/* A cell of a column of any type; a list's items, borrowed as all values are, stand in `memory`. */
uint32_t consort_column_cell(const struct consort_column *column, int64_t row, struct consort_arena *memory,
			     struct consort_value *out_value, struct consort_error *error);

/* The value of a literal or parameter; NULL for any other expression. It lives as long as the run's values. */
const struct consort_value *consort_run_value(const struct consort_run *run, const struct consort_expr *constant);

/*
 * Operations of engines without a part of the contract: whose plugin has no context but the host, whose connections
 * are nothing but the database (there is no server, and no state), whose statements are the plan itself.
 */
uint32_t consort_plain_init(const struct consort_host *host, void **out_plugin, struct consort_error *error);
uint32_t consort_plain_open(void *database, const struct consort_call *call, void **out_connection,
			    struct consort_error *error);
void consort_plain_close(void *connection, const struct consort_call *call);
/* ping and reset */
uint32_t consort_plain_check(void *connection, const struct consort_call *call, struct consort_error *error);
void consort_plain_abandon(void *connection);
/* What the code can do, it can do on every connection. */
void consort_plain_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink);
/* What is compiled is the statement's root. */
uint32_t consort_plain_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			       struct consort_error *error);
void consort_plain_compiled_free(void *database, void *compiled);

CONSORT_END

#endif
