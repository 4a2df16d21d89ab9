/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_H
#define CONSORT_REDIS_H

/*
 * The Redis adapter's insides, from the bottom up:
 *
 *     reply.c       hiredis's reader, made to build replies in an arena
 *     link.c        a socket to one node, waited for no longer than one may; tls.c: the same, encrypted
 *     pipe.c        commands and their replies: sent together, split by node, sent again where a node says so
 *     cluster.c     which node has which slot
 *     error.c       the server's errors as statuses
 *     database.c, connection.c, session.c, plugin.c   options, connections, what a server is and lets us do
 *     codec.c       values as texts, both ways
 *     layout.c      what a resource's declaration means: keys, fields, codecs; key.c: a record's key
 *     script.c      what Redis does in one step for us
 *     index.h       indexes and their entries: index.c, and seek.c, what is found by them
 *     query.h       query.c: offers; cursor.c: records on their way; scan.c: which keys there are
 *     seen.c        which keys were met
 *     items.h       items.c, fetch.c: lists, sets, sorted sets and streams
 *     define.h      define.c: making and dropping indexes; enter.c: over the records that are there
 *     write.c       records by key and in bulk; swap.c: those that are a JSON text; document.c: such texts
 *     tx.h          tx.c: transactions, known.c: what they know of keys
 *     keyvalue.c, native.c   the rest
 */

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include <consort/adapter.h>
#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/json.h>
#include <consort/errand.h>
#include <consort/plugin.h>

/* hiredis's headers have functions in them, which are not written to be free of our warnings */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <hiredis.h>
#pragma GCC diagnostic pop

/* --- replies --- */

/* What a server said: one of hiredis's REDIS_REPLY_STRING, _STATUS, _ERROR, _INTEGER, _NIL, _ARRAY, to which
 * what came with RESP3 is brought: doubles are texts, maps and sets arrays. */
struct redis_reply {
	int kind;
	uint64_t size; /* bytes of text, or items */
	union {
		const char *text; /* NUL-terminated */
		int64_t integer;
		struct redis_reply *items;
	} as;
};

/* Where hiredis's reader puts the next reply. */
struct redis_sink {
	struct redis_reply *root;
	struct consort_arena *arena;
	bool too_deep; /* arrays in arrays, deeper than any command answers */
};

/* The reader's functions; its privdata is a sink. */
extern redisReplyObjectFunctions redis_reply_functions;

static inline bool redis_is_text(const struct redis_reply *reply)
{
	return reply->kind == REDIS_REPLY_STRING || reply->kind == REDIS_REPLY_STATUS;
}
/* Does the error begin with that word? */
bool redis_is_error(const struct redis_reply *reply, const char *word);
/* Is it that text? */
bool redis_says(const struct redis_reply *reply, const char *text);

/* --- databases --- */

#define REDIS_SLOTS 16384

/* Which node of a cluster has which slot. Immutable. */
struct redis_map {
	uint32_t references; /* atomic */
	uint32_t nnodes;
	char **nodes;		     /* "host:port" */
	char *identity;		     /* of the cluster */
	uint16_t slots[REDIS_SLOTS]; /* positions in nodes; UINT16_MAX: nobody has it */
};

#define REDIS_DIGEST 40

enum redis_script {
	REDIS_SCRIPT_WRITE,
	REDIS_SCRIPT_SWAP,
	REDIS_SCRIPT_ADD,
	REDIS_SCRIPT_FIND,
	REDIS_SCRIPT_ENTER,
	REDIS_SCRIPT_FORGET,
	REDIS_SCRIPT_FINISH,
	REDIS_SCRIPTS
};

struct redis_database {
	const struct consort_host *host;
	struct consort_arena arena;
	const char *name;
	const char *const *nodes; /* "host:port", or the path of a socket */
	uint32_t nnodes;
	bool cluster; /* nodes is given */
	const char *user, *password;
	int64_t number; /* of the database that is selected */
	int64_t connect_timeout, page;
	void *tls; /* tls.c's, or NULL */
	pthread_mutex_t lock;
	struct redis_map *map;			       /* under the lock */
	char scripts[REDIS_SCRIPTS][REDIS_DIGEST + 1]; /* their SHA-1s, once `loaded` has their bits */
	uint32_t loaded;			       /* atomic */
};

/* --- connections --- */

struct redis_connection;

/* A socket to one node. */
struct redis_link {
	struct redis_link *next;
	struct redis_connection *conn;
	char *node;
	redisReader *reader; /* NULL: it is lost */
	int fd;
	void *tls; /* tls.c's, or NULL */
	struct redis_sink sink;
	/* the run that it is part of; positions in the pipe's commands */
	uint32_t sending, reading;
	size_t sent;   /* bytes of the command that is being sent */
	uint32_t owed; /* replies that nobody waits for any more */
	uint32_t skip; /* replies in front of the next command's */
	bool watched;  /* the server watches keys for a transaction, or may */
	struct redis_reply dropped;
	size_t peak; /* bytes that its reader held at most */
};

/* One command on its way. */
struct redis_command {
	size_t at, size; /* in the pipe's bytes */
	int32_t slot;	 /* -1: any node has it */
	uint8_t done;
	uint8_t skip;	  /* replies in front of its own, to what was sent with it */
	int8_t script;	  /* enum redis_script, -1 for none */
	const char *node; /* that it is for, whatever its slot; or NULL */
	struct redis_link *link;
	struct redis_reply reply;
};

struct redis_pipe {
	struct consort_buffer bytes;
	struct redis_command *commands;
	uint32_t count, room;
	struct consort_arena replies;
	bool failed; /* no memory */
};

#define REDIS_SHAPES 16 /* writes that a connection remembers; a power of two */

struct redis_layout;
struct redis_shape;
struct redis_index;
struct redis_tx;

struct redis_connection {
	struct redis_database *database;
	const struct consort_host *host;
	int wake;			 /* an eventfd, written to by cancel */
	const struct consort_call *call; /* the one that runs, or NULL */
	int64_t until;			 /* its deadline, or that of connecting; 0: none */
	bool alone;			 /* nobody uses it yet, so that a cancel does not find it */
	uint32_t cancelled;		 /* atomic; set by cancel, cleared by reset */
	bool unsettled;			 /* replies are owed that nobody waits for */
	bool sent;			 /* of the last run something may have reached a server */
	struct redis_link *links;	 /* the first is home: where commands without a key go */
	struct redis_map *map;		 /* of a cluster */
	struct redis_pipe pipe;
	struct pollfd *polls;
	uint32_t npolls;
	struct consort_arena scratch;	  /* of one record, or one call */
	struct consort_buffer text, more; /* likewise */
	struct consort_json_reader *json;
	struct redis_shape *shapes[REDIS_SHAPES]; /* write.c's, by a write's id */
	struct redis_tx *tx;			  /* the open transaction */
	/* what the server told */
	bool replica, clustered;
	uint32_t denied; /* bits of enum redis_right */
	char version[24];
	char *server, *identity, *user;
};

/* Every call on a connection stands between these. _enter refuses unknown flags, a cancelled or unsettled
 * connection, and a deadline that has passed. */
uint32_t redis_enter(struct redis_connection *conn, const struct consort_call *call,
		     struct consort_error *error);
static inline void redis_leave(struct redis_connection *conn)
{
	conn->call = NULL;
	conn->alone = false;
}

/* --- link.c, tls.c --- */

/* The link to that node; made, and let in, if there is none. */
uint32_t redis_link_get(struct redis_connection *conn, const char *node, struct redis_link **out_link,
			struct consort_error *error);
/* Forgets the socket; the link stays. */
void redis_link_lose(struct redis_link *link);
void redis_links_free(struct redis_connection *conn);
/* Sends some of the bytes; *out_sent 0: the socket takes none now. */
uint32_t redis_link_send(struct redis_link *link, const char *data, size_t size, size_t *out_sent,
			 struct consort_error *error);
/* Reads what is there, or without TLS what comes. */
uint32_t redis_link_receive(struct redis_link *link, bool wait, struct consort_error *error);
/* Gives back what the reader grew to for a large reply. */
void redis_link_shrink(struct redis_link *link);
/* The next reply of what was read into *link->sink.root, if it is whole. */
uint32_t redis_link_reply(struct redis_link *link, bool *out_whole, struct consort_error *error);
/* Is there something behind the last reply? */
static inline bool redis_link_has_more(const struct redis_link *link)
{
	return link->reader && link->reader->pos < link->reader->len;
}
/* Has the call neither a deadline nor a token to cancel it by? Then a socket may be left to wait by itself. */
bool redis_waits_for_ever(const struct redis_connection *conn);
/* Waits for the links' sockets: polls[0 … count), to which the one of cancel is added. A deadline that passes
 * and a cancel are errors. */
uint32_t redis_wait(struct redis_connection *conn, uint32_t count, struct consort_error *error);
/* Room to wait for all links, and one descriptor more. */
bool redis_make_polls(struct redis_connection *conn);

/* Checks the options; with tls = yes database->tls is set. */
uint32_t redis_tls_new(struct redis_database *database, const struct consort_database_config *config,
		       struct consort_error *error);
void redis_tls_free(struct redis_database *database);
/* Begins TLS on a link that is connected to `host`; its end, without a word to the server. */
uint32_t redis_tls_start(struct redis_link *link, const char *host, struct consort_error *error);
void redis_tls_end(struct redis_link *link);
/* As send and recv; -1 with errno EAGAIN: the socket is to be waited for. What was not sent is tried again as
 * it was. */
ssize_t redis_tls_send(struct redis_link *link, const char *data, size_t size);
ssize_t redis_tls_receive(struct redis_link *link, char *out, size_t size);
/* Why one of them failed, of this thread. */
const char *redis_tls_why(void);

/* --- pipe.c --- */

#define REDIS_ANY (-1)
#define REDIS_SCRIPT_ARGS 3 /* in front of the keys */

/* Forgets what was there. Then each command: _add, and as many arguments as it said. Memory is looked at by
 * _run. */
void redis_begin(struct redis_connection *conn);
void redis_add(struct redis_connection *conn, int32_t slot, uint32_t nargs);
/* For a node; its name lives until the run is over. */
void redis_add_at(struct redis_connection *conn, const char *node, uint32_t nargs);
void redis_arg(struct redis_connection *conn, const void *data, size_t size);
/* An argument into a text of one's own, for redis_arg_bytes. */
void redis_append_arg(struct consort_buffer *out, const void *data, size_t size);
void redis_arg_int(struct redis_connection *conn, int64_t integer);
static inline void redis_arg_text(struct redis_connection *conn, const char *text)
{
	redis_arg(conn, text, strlen(text));
}
/* Bytes of arguments that were written before. */
static inline void redis_arg_bytes(struct redis_connection *conn, const void *data, size_t size)
{
	consort_buffer_append(&conn->pipe.bytes, data, size);
}
/* A script's first three arguments (of nargs): EVALSHA, which script, how many keys. */
void redis_add_script(struct redis_connection *conn, int32_t slot, uint32_t nargs, enum redis_script script,
		      uint32_t nkeys);
/* Sends all and reads all their replies, errors of the server included, which live until the next _begin. */
uint32_t redis_run(struct redis_connection *conn, struct consort_error *error);
/* The same of commands that are for one link only, whatever their slots: no redirection is followed. */
uint32_t redis_run_on(struct redis_connection *conn, struct redis_link *link, struct consort_error *error);
static inline const struct redis_reply *redis_reply(const struct redis_connection *conn, uint32_t command)
{
	return &conn->pipe.commands[command].reply;
}
/* Runs and fails if one of the replies is an error. */
uint32_t redis_run_well(struct redis_connection *conn, struct consort_error *error);
/* Reads what is owed. */
uint32_t redis_settle(struct redis_connection *conn, struct consort_error *error);
void redis_pipe_free(struct redis_pipe *pipe);

/* --- cluster.c --- */

/* The slot of a key, -1 outside of clusters. */
int32_t redis_slot(const struct redis_connection *conn, const char *key, size_t size);
/* Which node has the slot, as far as is known; NULL: nobody. */
const char *redis_node_of(const struct redis_connection *conn, int32_t slot);
/* Asks a node for the map, and gives it to all connections of the database. */
uint32_t redis_map_refresh(struct redis_connection *conn, struct redis_link *link,
			   struct consort_error *error);
/* Takes the newest map that any connection has learned. */
void redis_map_take(struct redis_connection *conn);
void redis_map_free(struct redis_map *map);
static inline struct redis_map *redis_map_share(struct redis_map *map)
{
	if (map)
		__atomic_add_fetch(&map->references, 1, __ATOMIC_RELAXED);
	return map;
}

/* --- error.c --- */

/* What an error reply means; resource: what it is about, or NULL. */
uint32_t redis_fail(const struct redis_connection *conn, const struct redis_reply *reply,
		    const struct consort_resource *resource, struct consort_error *error);
/* An answer that makes no sense to us. */
uint32_t redis_fail_protocol(const struct redis_connection *conn, const char *what,
			     struct consort_error *error);
/* The connection to a node is lost. */
uint32_t redis_fail_lost(struct redis_link *link, const char *why, struct consort_error *error);
/* What a write outside of a transaction has failed with: EINDOUBT if its answer was lost. */
uint32_t redis_doubt(const struct redis_connection *conn, uint32_t status, struct consort_error *error);

/* --- session.c --- */

/* What this user may run. */
enum redis_right {
	REDIS_RIGHT_HASHES,
	REDIS_RIGHT_GET,
	REDIS_RIGHT_HSET,
	REDIS_RIGHT_SET,
	REDIS_RIGHT_DELETE,
	REDIS_RIGHT_SCRIPTS,
	REDIS_RIGHT_INDEXES,
	REDIS_RIGHT_MULTI,
	REDIS_RIGHT_WATCH,
	REDIS_RIGHTS
};

/* Says who we are on a new link. */
uint32_t redis_greet(struct redis_link *link, struct consort_error *error);
/* Asks the server what it is, and what this user may do. */
uint32_t redis_meet(struct redis_connection *conn, struct consort_error *error);
void redis_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink);
void redis_info(void *connection, struct consort_connection_info *info);

/* --- script.c --- */

/* Loads the script, if it was not yet; before redis_begin. */
uint32_t redis_script_load(struct redis_connection *conn, enum redis_script script,
			   struct consort_error *error);
const char *redis_script_text(enum redis_script script);

/* --- write.c, swap.c --- */

enum redis_write_kind { REDIS_INSERT, REDIS_UPDATE, REDIS_REMOVE, REDIS_UPSERT };

/* What a connection knows of a write. */
struct redis_shape {
	uint64_t id;
	struct redis_layout *layout;
	const uint32_t *keys;	/* [layout->nkeys] columns */
	uint32_t nset;		/* columns that are written; those behind them only find the record */
	int32_t expires;	/* one of them, -1: none */
	const int32_t *indexed; /* [layout->nindexes] columns, -1: not written */
};

/* A call of the write table. */
struct redis_job {
	struct redis_connection *conn;
	enum redis_write_kind kind;
	const struct consort_write *write;
	const struct consort_batch *rows;
	struct consort_write_result *result;
	const struct redis_shape *shape;
	bool goes_on;
	struct consort_error *error;
};

/* The row's key into conn->text. */
uint32_t redis_job_key(const struct redis_job *job, int64_t row);
/* When the row's record is to end, as scripts want it: milliseconds since 1970, 0 for never, nothing to leave
 * it. */
uint32_t redis_job_ends(const struct redis_job *job, int64_t row, struct consort_buffer *out);
/* Tells of a row that was not written: the job's error is filled. Returns the status that ends the call, or
 * OK. */
uint32_t redis_job_failed(const struct redis_job *job, int64_t row);
/* The same of one whose key is in conn->text, by what the script says: 't', 'm' or 'o'. */
uint32_t redis_job_refused(const struct redis_job *job, int64_t row, char why, const char *key, size_t size);
/* Records that are documents: rows [first, end). */
uint32_t redis_write_documents(const struct redis_job *job, int64_t first, int64_t end);
void redis_shapes_free(struct redis_connection *conn);

/* --- values and records --- */

enum redis_codec {
	REDIS_CODEC_PLAIN, /* the text of consort_value_print */
	REDIS_CODEC_RAW,   /* bytes as they are */
	REDIS_CODEC_INT,   /* a bool as 0 or 1 */
	REDIS_CODEC_US,	   /* since 1970-01-01, or midnight */
	REDIS_CODEC_MS,
	REDIS_CODEC_S,
	REDIS_CODEC_DAYS,
	REDIS_CODEC_EXPIRES /* not in the record: when it ends */
};

enum redis_record { REDIS_HASH, REDIS_JSON, REDIS_LIST, REDIS_SET, REDIS_SORTED_SET, REDIS_STREAM };

/* What the declaration says that a record is. */
enum redis_record redis_record_of(const struct consort_resource *resource);
/* Is it an item of one key? (items.h) */
static inline bool redis_is_item(enum redis_record record)
{
	return record >= REDIS_LIST;
}

struct redis_attribute {
	const char *field; /* of a hash, or member of a document */
	uint32_t field_size;
	struct consort_type type;
	uint8_t codec; /* enum redis_codec */
	int32_t part;  /* of the key; -1: none */
};

/* What a resource's declaration means. Immutable. */
struct redis_layout {
	struct consort_arena arena;
	const struct consort_resource *resource;
	enum redis_record record;
	const char *head, *tail; /* around the key's parts; of items the head is the key */
	size_t head_size, tail_size;
	const char *separator; /* between parts */
	bool together;	       /* all records are in one slot */
	int64_t ttl;	       /* milliseconds, 0: for ever */
	uint32_t nkeys, nattributes;
	struct redis_attribute *attributes; /* [nattributes], as the resource's */
	const uint32_t *keys;		    /* [nkeys] positions in attributes */
	int32_t expires;		    /* the attribute with that codec, -1: none */
	uint32_t nindexes;
	const struct redis_index *indexes; /* index.h */
	const char *defined;		   /* a key that says that it was defined */
};

uint32_t redis_layout_make(const struct consort_resource *resource, struct redis_layout **out_layout,
			   struct consort_error *error);
void redis_layout_free(struct redis_layout *layout);
/* The attribute's names into their places in the error. */
uint32_t redis_blame(const struct redis_layout *layout, uint32_t attribute, struct consort_error *error);

/* The value's text, appended; it is not NULL. ERANGE for what the codec would cut. */
uint32_t redis_encode(const struct redis_layout *layout, uint32_t attribute,
		      const struct consort_value *value, struct consort_buffer *out,
		      struct consort_error *error);
/* The value that a text stands for; what it borrows lives in text or scratch. */
uint32_t redis_decode(const struct redis_layout *layout, uint32_t attribute, const char *text, uint64_t size,
		      struct consort_arena *scratch, struct consort_value *out_value,
		      struct consort_error *error);
/* The same, appended to a batch's column. */
uint32_t redis_decode_into(const struct redis_layout *layout, uint32_t attribute, const char *text,
			   uint64_t size, struct consort_arena *scratch, struct consort_batch *batch,
			   struct consort_column *column, struct consort_error *error);

/* A number's digits in front of `end`; where they begin. */
static inline char *redis_digits(uint64_t number, char *end)
{
	do
		*--end = (char)('0' + number % 10);
	while (number /= 10);
	return end;
}

/* The key of a record, appended; values of the key's attributes, in its order, none NULL. */
uint32_t redis_key_make(const struct redis_layout *layout, const struct consort_value *values,
			struct consort_buffer *out, struct consort_error *error);
/* The values in a record's key; *out_ours false: it is none of this resource's. `again` NULL: it is known to
 * be. */
uint32_t redis_key_parse(const struct redis_layout *layout, const char *key, uint64_t size,
			 struct consort_arena *scratch, struct consort_buffer *again,
			 struct consort_value *values, bool *out_ours, struct consort_error *error);
/* The glob pattern of all the keys, appended. */
void redis_key_pattern(const struct redis_layout *layout, struct consort_buffer *out);

/* A document with attributes set (NULL: without them), appended; `old` size 0: a new one. */
uint32_t redis_document_merge(struct redis_connection *conn, const struct redis_layout *layout,
			      struct consort_view old, const uint32_t *attributes,
			      const struct consort_value *values, uint32_t count, struct consort_buffer *out,
			      struct consort_error *error);
/* Gives the text of each of the attributes that a document has, by its position among them; it lives until
 * the function is done. */
typedef uint32_t redis_member_fn(void *context, uint32_t i, struct consort_view text,
				 struct consort_error *error);
uint32_t redis_document_members(struct redis_connection *conn, const struct redis_layout *layout,
				struct consort_view document, const uint32_t *attributes, uint32_t count,
				redis_member_fn *take, void *context, struct consort_error *error);
/* Appends the attributes of a document to a batch: column columns[i] is for attribute attributes[i]; those
 * that are not there as NULL. */
uint32_t redis_document_read(struct redis_connection *conn, const struct redis_layout *layout,
			     struct consort_view document, const uint32_t *attributes,
			     const uint32_t *columns, uint32_t count, struct consort_batch *batch,
			     struct consort_error *error);

extern const struct consort_database_ops redis_database_ops;
extern const struct consort_connection_ops redis_connection_ops;
extern const struct consort_query_ops redis_query_ops;
extern const struct consort_write_ops redis_write_ops;
extern const struct consort_native_ops redis_native_ops;
extern const struct consort_schema_ops redis_schema_ops;
extern const struct consort_keyvalue_ops redis_keyvalue_ops;
#define REDIS_FEATURE(name) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##name)

#endif
