/* SPDX-License-Identifier: Apache-2.0 */
/*
 * larder: an adapter in C++17. Its engine is a map from keys to values in memory, some of which do not keep for ever. It
 * has no tables, so it reads and writes no records; programs use it as a cache.
 *
 * What crosses to the core is C: no exception may leave an operation (guarded() sees to that), and the tables are made by
 * constexpr functions, so that they are constant data before any constructor has run.
 */
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include <consort/adapter.h>
#include <consort/convert.h>
#include <consort/plugin.h>

namespace {

using clock = std::chrono::steady_clock;

struct entry {
	std::string value;
	clock::time_point end = clock::time_point::max();
};

struct larder {
	std::string identity;
	std::mutex lock; /* over what follows, which all connections share */
	std::map<std::string, entry> entries;
};

/* A connection keeps what it gave out last. */
struct connection {
	struct larder *larder;
	std::string given;
};

/* Runs fn with what it throws turned into a status. */
template <typename F> uint32_t guarded(struct consort_error *error, F fn) noexcept
{
	try {
		return fn();
	} catch (const std::bad_alloc &) {
		return consort_error_no_memory(error);
	} catch (const std::exception &e) {
		return consort_error_set(error, CONSORT_EINTERNAL, "larder: %s", e.what());
	}
}

uint32_t database_open(void *, const struct consort_database_config *, void **out_database, struct consort_error *error)
{
	return guarded(error, [&]() -> uint32_t {
		auto made = std::make_unique<larder>();

		made->identity = "larder at " + std::to_string(reinterpret_cast<uintptr_t>(made.get()));
		*out_database = made.release();
		return CONSORT_OK;
	});
}

void database_close(void *database)
{
	delete static_cast<larder *>(database);
}

uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
			 struct consort_error *error)
{
	return guarded(error, [&]() -> uint32_t {
		const uint32_t status = consort_call_check(call, error);

		if (!status)
			*out_connection = new connection{static_cast<larder *>(database), {}};
		return status;
	});
}

void connection_close(void *object, const struct consort_call *)
{
	delete static_cast<connection *>(object);
}

void connection_info(void *object, struct consort_connection_info *info)
{
	info->server = "a larder";
	info->identity = static_cast<connection *>(object)->larder->identity.c_str();
	info->user = "";
}

/* --- keys and values --- */

std::string text_of(struct consort_view view)
{
	return std::string(view.size ? view.data : "", view.size);
}

clock::time_point end_of(int64_t time_to_live)
{
	return time_to_live ? clock::now() + std::chrono::microseconds(time_to_live) : clock::time_point::max();
}

/* What is under the key and still good; end() otherwise. */
std::map<std::string, entry>::iterator find(struct larder &larder, const std::string &key)
{
	auto found = larder.entries.find(key);

	if (found != larder.entries.end() && found->second.end <= clock::now()) {
		larder.entries.erase(found);
		return larder.entries.end();
	}
	return found;
}

/* Every operation below: looks at the call, takes the lock, and works on the larder. */
template <typename F>
uint32_t with_larder(void *object, const struct consort_call *call, struct consort_error *error, F fn) noexcept
{
	return guarded(error, [&]() -> uint32_t {
		const uint32_t status = consort_call_check(call, error);
		auto &connection = *static_cast<struct connection *>(object);

		if (status)
			return status;
		std::lock_guard<std::mutex> hold(connection.larder->lock);
		return fn(connection, *connection.larder);
	});
}

uint32_t not_found(struct consort_error *error)
{
	return consort_error_set(error, CONSORT_ENOTFOUND, "there is nothing under this key");
}

uint32_t get(void *object, const struct consort_call *call, struct consort_view key, struct consort_view *out_value,
	     int64_t *out_time_to_live, struct consort_error *error)
{
	return with_larder(object, call, error, [&](struct connection &connection, struct larder &larder) -> uint32_t {
		const auto found = find(larder, text_of(key));

		if (found == larder.entries.end())
			return not_found(error);
		connection.given = found->second.value;
		out_value->data = connection.given.data();
		out_value->size = connection.given.size();
		*out_time_to_live = 0;
		if (found->second.end != clock::time_point::max()) {
			const auto left = found->second.end - clock::now();
			const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(left).count();

			*out_time_to_live = whole > 0 ? whole : 1; /* 0 would mean for ever */
		}
		return CONSORT_OK;
	});
}

uint32_t set(void *object, const struct consort_call *call, struct consort_view key, struct consort_view value,
	     int64_t time_to_live, struct consort_error *error)
{
	return with_larder(object, call, error, [&](struct connection &, struct larder &larder) -> uint32_t {
		larder.entries[text_of(key)] = entry{text_of(value), end_of(time_to_live)};
		return CONSORT_OK;
	});
}

uint32_t remove(void *object, const struct consort_call *call, struct consort_view key, struct consort_error *error)
{
	return with_larder(object, call, error, [&](struct connection &, struct larder &larder) -> uint32_t {
		const auto found = find(larder, text_of(key));

		if (found == larder.entries.end())
			return not_found(error);
		larder.entries.erase(found);
		return CONSORT_OK;
	});
}

uint32_t compare_and_set(void *object, const struct consort_call *call, struct consort_view key,
			 const struct consort_view *expected, struct consort_view value, int64_t time_to_live,
			 struct consort_error *error)
{
	return with_larder(object, call, error, [&](struct connection &, struct larder &larder) -> uint32_t {
		const auto found = find(larder, text_of(key));
		const bool there = found != larder.entries.end();

		if (there != (expected != nullptr) || (there && found->second.value != text_of(*expected)))
			return consort_error_set(error, CONSORT_ECONFLICT, "the value under this key is another one");
		larder.entries[text_of(key)] = entry{text_of(value), end_of(time_to_live)};
		return CONSORT_OK;
	});
}

uint32_t add(void *object, const struct consort_call *call, struct consort_view key, int64_t delta, int64_t time_to_live,
	     int64_t *out_value, struct consort_error *error)
{
	return with_larder(object, call, error, [&](struct connection &, struct larder &larder) -> uint32_t {
		const auto found = find(larder, text_of(key));
		const std::string text = found == larder.entries.end() ? "0" : found->second.value;
		struct consort_value number;
		int64_t sum;

		if (consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text.data(), text.size(), nullptr, &number,
					error))
			return consort_error_set(error, CONSORT_ETYPE, "the value under this key is no integer");
		if (__builtin_add_overflow(number.as.int64, delta, &sum))
			return consort_error_set(error, CONSORT_ERANGE, "the counter under this key would overflow");
		larder.entries[text_of(key)] = entry{std::to_string(sum), end_of(time_to_live)};
		*out_value = sum;
		return CONSORT_OK;
	});
}

/* --- what it all amounts to --- */

constexpr uint64_t features = CONSORT_FEATURE_BIT(CONSORT_FEATURE_KEY_VALUE) |
			      CONSORT_FEATURE_BIT(CONSORT_FEATURE_COUNTERS) |
			      CONSORT_FEATURE_BIT(CONSORT_FEATURE_TIME_TO_LIVE);

constexpr consort_database_ops make_database()
{
	consort_database_ops ops{};

	ops.struct_size = sizeof(ops);
	ops.open = database_open;
	ops.close = database_close;
	return ops;
}

constexpr consort_connection_ops make_connection()
{
	consort_connection_ops ops{};

	ops.struct_size = sizeof(ops);
	ops.open = connection_open;
	ops.close = connection_close;
	ops.ping = consort_plain_check;
	ops.reset = consort_plain_check;
	ops.abandon = consort_plain_abandon;
	ops.features = consort_plain_features;
	ops.info = connection_info;
	return ops;
}

constexpr consort_keyvalue_ops make_keyvalue()
{
	consort_keyvalue_ops ops{};

	ops.struct_size = sizeof(ops);
	ops.get = get;
	ops.set = set;
	ops.remove = remove;
	ops.compare_and_set = compare_and_set;
	ops.add = add;
	return ops;
}

constexpr consort_database_ops database_ops = make_database();
constexpr consort_connection_ops connection_ops = make_connection();
constexpr consort_keyvalue_ops keyvalue_ops = make_keyvalue();

constexpr consort_plugin make_plugin()
{
	consort_plugin plugin{};

	plugin.struct_size = sizeof(plugin);
	plugin.abi_minor = CONSORT_ABI_MINOR;
	plugin.id = "larder";
	plugin.version = "0.1";
	plugin.licence = "Apache-2.0";
	plugin.vendor = "";
	plugin.homepage = "";
	plugin.description = "keys and values in memory";
	plugin.features.word[0] = features;
	plugin.init = consort_plain_init;
	plugin.database = &database_ops;
	plugin.connection = &connection_ops;
	plugin.keyvalue = &keyvalue_ops;
	return plugin;
}

constexpr consort_plugin plugin = make_plugin();

} // namespace

CONSORT_PLUGIN_EXPORT(&plugin, "larder", "0.1", features, 0);
