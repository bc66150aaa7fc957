#include "images/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/unit/unit.h"

/* Servers in threads: each answers its connections with one text after the other, "@N" in it being
 * N bytes of body, and keeps what it was asked. */

struct server {
	int fd;
	int port;
	const char *const *answers;
	pthread_t thread;
	char asked[16384];
	size_t len;
};

static void send_text(int fd, const char *text)
{
	static char block[65536];
	const char *at = strchr(text, '@');
	size_t head = at ? (size_t)(at - text) : strlen(text);

	(void)send(fd, text, head, MSG_NOSIGNAL);
	for (long left = at ? strtol(at + 1, NULL, 10) : 0; left > 0;) {
		size_t n = left < (long)sizeof(block) ? (size_t)left : sizeof(block);
		ssize_t sent = send(fd, block, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		left -= sent;
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (const char *const *a = s->answers; *a; a++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		size_t start = s->len;

		if (fd < 0)
			break;
		while (!strstr(s->asked + start, "\r\n\r\n")) {
			ssize_t n = recv(fd, s->asked + s->len, sizeof(s->asked) - s->len - 1, 0);

			if (n <= 0)
				break;
			s->len += (size_t)n;
		}
		send_text(fd, *a);
		shutdown(fd, SHUT_WR);
		if (strcmp(*a, "hang") != 0)
			close(fd);
	}
	return NULL;
}

static void start(struct server *s, const char *const *answers)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);

	memset(s, 0, sizeof(*s));
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->answers = answers;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(s->fd, 8), 0);
	ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
	s->port = ntohs(sa.sin_port);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

struct sink {
	uint64_t total;
	uint64_t fail_at;
	unsigned int slow_us;
	int starts;
};

static int on_start(void *ctx, const struct img_http_resp *resp, struct cs_err *err)
{
	struct sink *k = ctx;

	(void)err;
	k->starts++;
	ck_assert_int_eq(resp->status, 200);
	return 0;
}

static int on_data(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct sink *k = ctx;

	(void)buf;
	k->total += len;
	if (k->slow_us)
		usleep(k->slow_us);
	if (k->fail_at && k->total >= k->fail_at)
		return cs_err_set(err, ENOSPC, "full");
	return 0;
}

static struct img_http *client(void)
{
	struct img_http_opts o = { .connect_ms = 5000, .stall_ms = 5000 };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = NULL;

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	ck_assert_int_eq(img_http_new(&o, &h, &err), 0);
	return h;
}

static int get(struct img_http *h, const char *url, struct img_http_req *req,
	       struct img_http_resp *resp, struct cs_err *err)
{
	req->url = url;
	if (!req->method)
		req->method = "GET";
	req->insecure = true;
	cs_err_clear(err);
	return img_http_do(h, req, resp, err);
}

START_TEST(test_simple)
{
	static const char *const answers[] = {
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n"
		"x-a: c\r\nConnection: close\r\n\r\nhello",
		"HTTP/1.1 404 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!",
		NULL,
	};
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct img_http_req req = { .max_body = 5, .auth = "Basic x" };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	char url[100];
	size_t len;
	uint64_t n = 0;

	start(&s, answers);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/p?q", s.port);
	ck_assert_msg(get(h, url, &req, &resp, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(resp.status, 200);
	ck_assert_str_eq(resp.body, "hello");
	ck_assert_int_eq(strncmp(img_http_header(&resp, "X-A", 0, &len), "b", 1), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(strncmp(img_http_header(&resp, "X-A", 1, &len), "c", 1), 0);
	ck_assert_ptr_null(img_http_header(&resp, "X-A", 2, &len));
	ck_assert_int_eq(img_http_header_u64(&resp, "content-length", &n), 1);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(img_http_header_u64(&resp, "X-A", &n), -EINVAL);
	ck_assert_int_eq(img_http_header_u64(&resp, "X-B", &n), 0);
	ck_assert_int_eq(get(h, url, &req, &resp, &err), 0);
	ck_assert_int_eq(resp.status, 404);
	ck_assert_str_eq(resp.body, "no!");
	stop(&s);
	ck_assert_ptr_nonnull(strstr(s.asked, "GET /p?q HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(s.asked, "Authorization: Basic x\r\n"));
	img_http_free(h);
}
END_TEST

/* Credentials stay at the origin they are for. */
START_TEST(test_redirect)
{
	static const char *const there[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
		NULL,
	};
	char first[200];
	const char *const here[] = {
		"HTTP/1.1 301 Moved\r\nContent-Length: 3\r\nLocation: /next\r\n"
		"Connection: close\r\n\r\nabc",
		first,
		NULL,
	};
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	const char *const headers[] = { "X-Open: 1", NULL };
	struct img_http_req req = { .max_body = 100, .auth = "Basic x", .headers = headers };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server a, b;
	char url[100];

	start(&b, there);
	snprintf(first, sizeof(first),
		 "HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:%d/x\r\n"
		 "Content-Length: 0\r\nConnection: close\r\n\r\n",
		 b.port);
	start(&a, here);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", a.port);
	ck_assert_msg(get(h, url, &req, &resp, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(resp.body, "ok");
	ck_assert(resp.foreign);
	stop(&a);
	stop(&b);
	ck_assert_ptr_nonnull(strstr(strstr(a.asked, "GET /next"), "Authorization: Basic x"));
	ck_assert_ptr_null(strstr(b.asked, "Authorization"));
	ck_assert_ptr_nonnull(strstr(b.asked, "X-Open: 1"));
	img_http_free(h);
}
END_TEST

#define LOOP "HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define TAIL "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

START_TEST(test_refused)
{
	static const char *const loop[] = {
		LOOP,
		LOOP,
		LOOP,
		LOOP,
		LOOP,
		LOOP,
		"HTTP/1.1 302 X\r\nLocation: file:///etc/passwd" TAIL,
		"HTTP/1.1 302 X" TAIL,
		"HTTP/1.1 302 X\r\nLocation: http://[::1/" TAIL,
		NULL,
	};
	static const int codes[] = { -ELOOP, 0, -EPROTO, -EINVAL };
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct img_http_req req = { .max_body = 100 };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	char url[100];

	start(&s, loop);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	for (size_t i = 0; i < CS_LEN(codes); i++) {
		int ret = get(h, url, &req, &resp, &err);

		/* "file:" is a path of the same server at most, and a redirect to it. */
		if (!codes[i])
			ck_assert_int_lt(ret, 0);
		else
			ck_assert_msg(ret == codes[i], "%zu: %d %s", i, ret, err.msg);
		if (!codes[i])
			i++;
	}
	stop(&s);
	req.insecure = false;
	req.url = url;
	cs_err_clear(&err);
	ck_assert_int_eq(img_http_do(h, &req, &resp, &err), -EKEYREJECTED);
	img_http_free(h);
}
END_TEST

/* A slow taker: all arrives, and memory stays as it is. */
START_TEST(test_slow)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\nConnection: close\r\n\r\n@16777216",
		NULL,
	};
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct sink k = { .slow_us = 500 };
	struct img_http_req req = {
		.max_body = 16777216, .start = on_start, .data = on_data, .ctx = &k
	};
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	char url[100];

	start(&s, answers);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	ck_assert_msg(get(h, url, &req, &resp, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(k.total, 16777216);
	ck_assert_int_eq(k.starts, 1);
	stop(&s);
	img_http_free(h);
}
END_TEST

START_TEST(test_broken)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n@500",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n@20000",
		"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n@90000",
		"",
		"HTTP/1.1 200 OK\r\nX: @70000",
		"HTTP/1.1 500 Bad\r\nContent-Length: 50000\r\n\r\n@50000",
		NULL,
	};
	static const int codes[] = { -ECONNRESET, -EFBIG, -ENOSPC, -ECONNRESET, -ECONNRESET };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	char url[100];

	start(&s, answers);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	for (size_t i = 0; i < CS_LEN(codes); i++) {
		img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
		struct sink k = { .fail_at = 50000 };
		struct img_http_req req = { .max_body = i == 2 ? 90000 : 10000,
					    .data = on_data,
					    .ctx = &k };
		int ret = get(h, url, &req, &resp, &err);

		ck_assert_msg(ret == codes[i], "%zu: %d %s", i, ret, err.msg);
		ck_assert_int_eq(img_http_again(ret), codes[i] == -ECONNRESET);
	}
	{
		img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
		struct img_http_req req = { .max_body = 10 };

		/* An error's body is cut, not refused. */
		ck_assert_int_eq(get(h, url, &req, &resp, &err), 0);
		ck_assert_int_eq(resp.status, 500);
		ck_assert_uint_eq(resp.body_len, IMG_HTTP_ERROR_BODY);
	}
	stop(&s);
	{
		img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
		struct img_http_req req = { .max_body = 10 };

		ck_assert_int_eq(get(h, url, &req, &resp, &err), -ECONNREFUSED);
	}
	img_http_free(h);
}
END_TEST

static void *cancel_soon(void *arg)
{
	usleep(100000);
	img_http_cancel(arg);
	return NULL;
}

START_TEST(test_cancel)
{
	static const char *const answers[] = { "hang", NULL };
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct img_http_req req = { .max_body = 10 };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	pthread_t t;
	char url[100];

	start(&s, answers);
	s.answers = answers + 1; /* it only listens */
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	ck_assert_int_eq(pthread_create(&t, NULL, cancel_soon, h), 0);
	ck_assert_int_eq(img_http_wait(h, 60000, &err), -ECANCELED);
	ck_assert_int_eq(get(h, url, &req, &resp, &err), -ECANCELED);
	pthread_join(t, NULL);
	stop(&s);
	img_http_free(h);
}
END_TEST

/* What is sent: from memory, from a file, nothing. */
START_TEST(test_send)
{
	static const char *const answers[] = {
		"HTTP/1.1 201 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 202 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		NULL,
	};
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct img_http_req req = { .method = "PUT", .body = "body", .body_len = 4 };
	struct cs_err err = CS_ERR_INIT;
	struct img_http *h = client();
	struct server s;
	char url[100];

	start(&s, answers);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	ck_assert_msg(get(h, url, &req, &resp, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(resp.status, 201);
	req = (struct img_http_req){ .method = "POST" };
	ck_assert_int_eq(get(h, url, &req, &resp, &err), 0);
	ck_assert_int_eq(resp.status, 202);
	stop(&s);
	ck_assert_ptr_nonnull(strstr(s.asked, "PUT / HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(s.asked, "Content-Length: 4\r\n"));
	ck_assert_ptr_nonnull(strstr(s.asked, "POST / HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(s.asked, "Content-Length: 0\r\n"));
	ck_assert_ptr_null(strstr(s.asked, "Expect"));
	img_http_free(h);
}
END_TEST

UNIT_MAIN("images/http", test_simple, test_redirect, test_refused, test_slow, test_broken,
	  test_cancel, test_send)
