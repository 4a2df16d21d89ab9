/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be one step, and is more than one command. Scripts are loaded once, and called by their digest;
 * a node that does not have one is given it on the way (pipe.c).
 */
#include "redis.h"

/*
 * Entries of records in indexes, whose keys are KEYS from `at` on. `forget` removes them all; `enter` takes
 * what each is to be from ARGV: '' leaves it, '-' is none.
 */
#define INDEXES                                                                                   \
	"local call=redis.call "                                                                  \
	"local function forget(key,at) for i=at,#KEYS,2 do local old=call('HGET',KEYS[i+1],key) " \
	"if old then call('ZREM',KEYS[i],old..key) call('HDEL',KEYS[i+1],key) end end end "       \
	"local function enter(key,at,arg) for i=at,#KEYS,2 do local new=ARGV[arg] arg=arg+1 "     \
	"if new~='' then local old=call('HGET',KEYS[i+1],key) "                                   \
	"if old and old~=new then call('ZREM',KEYS[i],old..key) end "                             \
	"if new~='-' then call('ZADD',KEYS[i],0,new..key) call('HSET',KEYS[i+1],key,new) "        \
	"elseif old then call('HDEL',KEYS[i+1],key) end end end end "

static const char *const texts[REDIS_SCRIPTS] = {
	/*
	 * Records. KEYS: theirs, then those of the indexes. ARGV: what is done ('c'reate, 'u'pdate, u'p'sert,
	 * 'd'elete), their time to live in milliseconds ('' leaves it), whether to go on behind a record that
	 * cannot be written ('1'), the type that a record has, how many records; then, but for delete, for
	 * each hash: when it ends (milliseconds since 1970; '' leaves it to the time to live, '0': never),
	 * how many texts follow that are fields and values, these, how many fields are removed, these, how
	 * many texts follow that are the fields and values to keep the record if nothing else is left in it,
	 * these, and its entries. Answers for each record that was not written its number, from 1, and why:
	 * 't'aken, 'm'issing, 'o'ther type. If one may not be written, and it does not go on, nothing is.
	 */
	[REDIS_SCRIPT_WRITE] = INDEXES
	"local op,ttl,on,own,rows=ARGV[1],ARGV[2],ARGV[3]=='1',ARGV[4],tonumber(ARGV[5]) "
	"local bad,skip,seen,fresh={},{},{},{} "
	"for i=1,rows do local key=KEYS[i] local kind,why=call('TYPE',key).ok,nil "
	"if op=='c' then if kind~='none' or seen[key] then why='t' end "
	"elseif op=='d' then if kind~=own or seen[key] then why='m' end "
	"elseif kind=='none' then if op=='u' then why='m' end elseif kind~=own then why='o' end "
	"fresh[i]=kind=='none' and not seen[key] seen[key]=1 "
	"if why then bad[#bad+1]=i bad[#bad+1]=why skip[i]=1 if why~='m' and not on then return bad "
	"end end end "
	"local at=6 "
	"for i=1,rows do local key=KEYS[i] "
	"if fresh[i] or (op=='d' and not skip[i]) then forget(key,rows+1) end "
	"if op=='d' then if not skip[i] then call('DEL',key) end else "
	"local ends=ARGV[at] "
	"local n=tonumber(ARGV[at+1]) local set=at+2 at=set+n "
	"local m=tonumber(ARGV[at]) local del=at+1 at=del+m "
	"local k=tonumber(ARGV[at]) local keep=at+1 local entries=keep+k at=entries+(#KEYS-rows)/2 "
	"if not skip[i] then "
	"if n>0 then call('HSET',key,unpack(ARGV,set,set+n-1)) end "
	"if m>0 then call('HDEL',key,unpack(ARGV,del,del+m-1)) end "
	"if k>0 and call('EXISTS',key)==0 then call('HSET',key,unpack(ARGV,keep,keep+k-1)) end "
	"if ends=='0' then call('PERSIST',key) elseif ends~='' then call('PEXPIREAT',key,ends) "
	"elseif ttl~='' then call('PEXPIRE',key,ttl) end "
	"enter(key,rows+1,entries) "
	"end end end return bad",
	/* Sets KEYS[1] to ARGV[2] if it is ARGV[1], or if nothing is there (ARGV[5] is '1'), keeping its time
	 * to live, or giving it that of ARGV[3], until ARGV[4], or for ever ('0' as either); then its entries
	 * in the indexes whose keys follow. 1: done, 0: it is not. */
	[REDIS_SCRIPT_SWAP] =
		INDEXES "local kind=call('TYPE',KEYS[1]).ok "
			"if ARGV[5]=='1' then if kind~='none' then return 0 end forget(KEYS[1],2) "
			"elseif kind~='string' or call('GET',KEYS[1])~=ARGV[1] then return 0 end "
			"enter(KEYS[1],2,6) "
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
	/*
	 * What indexes find. KEYS: the entries of those that could be used. ARGV: how many may be found; then
	 * for each index its marker, how many ranges, and their ends. Answers with the entries of the index
	 * that finds the fewest; nothing if none is complete, or too many are found.
	 */
	[REDIS_SCRIPT_FIND] =
		"local call,most,at,fewest,best,from,to=redis.call,tonumber(ARGV[1]),2 "
		"for i,key in ipairs(KEYS) do local first,stop=at+2,at+2+2*tonumber(ARGV[at+1]) "
		"if call('ZSCORE',key,ARGV[at]) then local n=0 "
		"for j=first,stop-2,2 do if n<=most then n=n+call('ZLEXCOUNT',key,ARGV[j],ARGV[j+1]) end end "
		"if not best or n<fewest then best,fewest,from,to=key,n,first,stop-2 end end "
		"at=stop end "
		"if not best or fewest>most then return false end "
		"local found={} for j=from,to,2 do "
		"for _,entry in ipairs(call('ZRANGEBYLEX',best,ARGV[j],ARGV[j+1])) do found[#found+1]=entry "
		"end "
		"end return found",
	/*
	 * Enters records that are there. KEYS: theirs, then those of the indexes. ARGV: how many records,
	 * their type, how many fields entries are made of (of a hash), these; then for each record these
	 * fields' values ('' for one that is missing, else behind a '='), or the document, and its entries.
	 * Answers with the numbers, from 1, of those that are not what was said.
	 */
	[REDIS_SCRIPT_ENTER] = INDEXES
	"local rows,own,n,changed=tonumber(ARGV[1]),ARGV[2],tonumber(ARGV[3]),{} "
	"local at=4+n "
	"for i=1,rows do local key=KEYS[i] local kind=call('TYPE',key).ok local same=kind==own "
	"if own=='string' then same=same and call('GET',key)==ARGV[at] at=at+1 "
	"elseif n>0 then if same then for j,value in ipairs(call('HMGET',key,unpack(ARGV,4,3+n))) do "
	"if (value and '='..value or '')~=ARGV[at+j-1] then same=false end end end at=at+n end "
	"if same then enter(key,rows+1,at) elseif kind==own then changed[#changed+1]=i "
	"else forget(key,rows+1) end "
	"at=at+(#KEYS-rows)/2 end return changed",
	/* Removes what is in the indexes of records that are gone. KEYS: theirs, then those of the indexes.
	 * ARGV: how many records. */
	[REDIS_SCRIPT_FORGET] =
		INDEXES "local rows=tonumber(ARGV[1]) for i=1,rows do "
			"if call('EXISTS',KEYS[i])==0 then forget(KEYS[i],rows+1) end end return 0",
	/*
	 * Marks indexes as complete. KEYS: what says that the resource is defined, and the entries. ARGV:
	 * what was put among each one's entries when it was begun, and for each index its marker and field.
	 * 0: somebody has begun again since.
	 */
	[REDIS_SCRIPT_FINISH] =
		"local call,token=redis.call,ARGV[1] "
		"for i=2,#KEYS do if not call('ZSCORE',KEYS[i],token) then return 0 end end "
		"call('ZADD',KEYS[1],0,'!') "
		"for i=2,#KEYS do call('ZREM',KEYS[i],token) call('ZADD',KEYS[i],0,ARGV[2*i-2]) "
		"call('ZADD',KEYS[1],0,'='..ARGV[2*i-1]) end return 1",
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
