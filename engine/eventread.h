#ifndef CS_ENGINE_EVENTREAD_H
#define CS_ENGINE_EVENTREAD_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct cs_json;
struct eng;

/* Reads what events.h writes. */

struct eng_events_opts {
	int64_t since_ns;	    /* from then on; INT64_MAX: only what is yet to come */
	int64_t until_ns;	    /* INT64_MAX: goes on for ever */
	const char *const *filters; /* "KEY=VALUE"; those of one key: any of them must be true */
	size_t n_filters;
};

/* Returns 0 to go on, -errno to end. @text is the line @event was parsed from. */
typedef int (*eng_event_fn)(void *arg, const struct cs_json *event, const char *text,
			    struct cs_err *err);

int eng_events(const struct eng *e, const struct eng_events_opts *o, eng_event_fn fn, void *arg,
	       struct cs_err *err);

/* Are they of the form "KEY=VALUE", with container, event, image, label, network, type or volume as
 * KEY? */
int eng_events_check(const char *const *filters, size_t n, struct cs_err *err);
/* Does the event pass them? Pure. */
int eng_events_pass(const struct cs_json *event, const char *const *filters, size_t n);

#endif
