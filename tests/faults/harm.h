/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_HARM_H
#define CONSORT_HARM_H

/* Harm to a server at a moment that only the network before it knows. */
#include "proxy.h"

struct harm;
/* Does harm to a server as soon as the proxy's fault has begun, in a thread. */
struct harm *harm_later(struct proxy *proxy, const char *server, void (*harm)(const char *server));
/* Waits until it is done. */
void harm_done(struct harm *harm);

#endif
