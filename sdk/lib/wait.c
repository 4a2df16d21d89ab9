/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for sockets, no longer than a deadline lets one. */
#include <consort/adapter.h>

#include <errno.h>
#include <poll.h>
#include <time.h>

int consort_poll_until(const struct consort_host *host, struct pollfd *fds, uint32_t count, int64_t until)
{
	struct timespec time;
	int64_t left;
	int code;

	do {
		if (!until) {
			code = poll(fds, count, -1); /* which costs less */
			continue;
		}
		left = until - host->clock();
		if (left <= 0)
			return 0;
		time.tv_sec = left / 1000000000;
		time.tv_nsec = left % 1000000000;
		code = ppoll(fds, count, &time, NULL);
	} while (code < 0 && errno == EINTR);
	return code < 0 ? -1 : code > 0;
}
