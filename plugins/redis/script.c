/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be one step, and is more than one command. Scripts are loaded once, and called by their digest;
 * a node that does not have one is given it on the way (pipe.c).
 */
#include "redis.h"

static const char *const texts[REDIS_SCRIPTS] = {
	/*
	 * Records. KEYS: theirs. ARGV: what is done ('c'reate, 'u'pdate, u'p'sert, 'd'elete), their time to
	 * live in milliseconds ('' leaves it), whether to go on behind a record that cannot be written ('1'),
	 * the type that a record has; then, but for delete, for each hash: when it ends (milliseconds since
	 * 1970; '' leaves it to the time to live, '0': never), how many texts follow that are fields and
	 * values, these, how many fields are removed, these, how many texts follow that are the fields and
	 * values to keep the record if nothing else is left in it, and these. Answers for each record that
	 * was not written its number, from 1, and why: 't'aken, 'm'issing, 'o'ther type. If one may not be
	 * written, and it does not go on, nothing is.
	 */
	[REDIS_SCRIPT_WRITE] =
		"local op,ttl,on,own=ARGV[1],ARGV[2],ARGV[3]=='1',ARGV[4] "
		"local call,bad,skip,seen=redis.call,{},{},{} "
		"for i,key in ipairs(KEYS) do local kind,why=call('TYPE',key).ok,nil "
		"if op=='c' then if kind~='none' or seen[key] then why='t' end "
		"elseif op=='d' then if kind~=own or seen[key] then why='m' end "
		"elseif kind=='none' then if op=='u' then why='m' end elseif kind~=own then why='o' end "
		"seen[key]=1 "
		"if why then bad[#bad+1]=i bad[#bad+1]=why skip[i]=1 if why~='m' and not on then return bad "
		"end end end "
		"local at=5 "
		"for i,key in ipairs(KEYS) do if op=='d' then if not skip[i] then call('DEL',key) end else "
		"local ends=ARGV[at] "
		"local n=tonumber(ARGV[at+1]) local set=at+2 at=set+n "
		"local m=tonumber(ARGV[at]) local del=at+1 at=del+m "
		"local k=tonumber(ARGV[at]) local keep=at+1 at=keep+k "
		"if not skip[i] then "
		"if n>0 then call('HSET',key,unpack(ARGV,set,set+n-1)) end "
		"if m>0 then call('HDEL',key,unpack(ARGV,del,del+m-1)) end "
		"if k>0 and call('EXISTS',key)==0 then call('HSET',key,unpack(ARGV,keep,keep+k-1)) end "
		"if ends=='0' then call('PERSIST',key) elseif ends~='' then call('PEXPIREAT',key,ends) "
		"elseif ttl~='' then call('PEXPIRE',key,ttl) end "
		"end end end return bad",
	/* Sets KEYS[1] to ARGV[2] if it is ARGV[1], keeping its time to live, or giving it that of ARGV[3],
	 * until ARGV[4], or for ever ('0' as either). 1: done, 0: it is not. */
	[REDIS_SCRIPT_SWAP] =
		"if redis.call('TYPE',KEYS[1]).ok~='string' or redis.call('GET',KEYS[1])~=ARGV[1] then "
		"return 0 end "
		"if ARGV[3]=='' and ARGV[4]=='' then redis.call('SET',KEYS[1],ARGV[2],'KEEPTTL') "
		"elseif ARGV[3]=='0' or ARGV[4]=='0' then redis.call('SET',KEYS[1],ARGV[2]) "
		"elseif ARGV[4]~='' then redis.call('SET',KEYS[1],ARGV[2]) "
		"redis.call('PEXPIREAT',KEYS[1],ARGV[4]) "
		"else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end return 1",
	/* Adds ARGV[1] to the counter KEYS[1]; one that begins gets the time to live ARGV[2] (milliseconds,
	   0: none). */
	[REDIS_SCRIPT_ADD] = "local new=redis.call('EXISTS',KEYS[1])==0 "
			     "redis.call('INCRBY',KEYS[1],ARGV[1]) "
			     "if new and ARGV[2]~='0' then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end "
			     "return redis.call('GET',KEYS[1])",
};

const char *redis_script_text(enum redis_script script)
{
	return texts[script];
}

uint32_t redis_script_load(struct redis_connection *conn, enum redis_script script,
			   struct consort_error *error)
{
	struct redis_database *database = conn->database;
	char *digest = database->scripts[script];
	const struct redis_reply *reply;
	uint32_t status;

	if (CONSORT_LIKELY(__atomic_load_n(&database->loaded, __ATOMIC_ACQUIRE) & 1u << script))
		return CONSORT_OK;
	redis_begin(conn);
	redis_add(conn, REDIS_ANY, 3);
	redis_arg_text(conn, "SCRIPT");
	redis_arg_text(conn, "LOAD");
	redis_arg_text(conn, texts[script]);
	status = redis_run_well(conn, error);
	if (status)
		return status;
	reply = redis_reply(conn, 0);
	if (!redis_is_text(reply) || reply->size != REDIS_DIGEST)
		return redis_fail_protocol(conn, "SCRIPT LOAD gives no digest", error);
	pthread_mutex_lock(&database->lock);
	if (!(database->loaded & 1u << script))
		memcpy(digest, reply->as.text, REDIS_DIGEST + 1);
	__atomic_or_fetch(&database->loaded, 1u << script, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&database->lock);
	return CONSORT_OK;
}
