#ifndef CS_IMAGES_CURL_H
#define CS_IMAGES_CURL_H

#include <curl/curl.h>
#include <stdbool.h>

struct cs_err;

/*
 * libcurl, loaded when the first request is made: a command that needs no network starts without
 * its thirty libraries.
 */

struct img_curl {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_pause) *easy_pause;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_setopt) *multi_setopt;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_perform) *multi_perform;
	__typeof__(curl_multi_info_read) *multi_info_read;
	__typeof__(curl_multi_poll) *multi_poll;
	__typeof__(curl_multi_wakeup) *multi_wakeup;
};

/* false in a program that is linked with images/none.c instead: it cannot load it. */
extern const bool img_curl_here;

/* Loads libcurl.so.4 (once a process; it stays) and points *@out at its functions. ENOENT when it
 * is not there. Not for two threads at once. */
int img_curl_load(const struct img_curl **out, struct cs_err *err);

#endif
