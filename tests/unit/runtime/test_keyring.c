#include "runtime/ns/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/ns/seccomp.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

static int failed(const struct cs_err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 90;
}

/* "type;uid;gid;perm;description" */
static int describe(char *out, size_t size)
{
	return syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, out, size) > 0 ? 0
											     : -1;
}

static int join(void *arg)
{
	struct cs_err err = CS_ERR_INIT;
	char text[256] = "";

	(void)arg;
	if (ctr_keyring_new("unit-keyring", &err) < 0)
		return failed(&err);
	if (describe(text, sizeof(text)) < 0)
		return CHILD_SETUP;
	if (strcmp(text, "keyring;0;0;3f1b0000;_ses.unit-keyring") != 0) {
		fprintf(stderr, "%s\n", text);
		return 1;
	}
	/* a key of the container is not the runtime's: the parent looks for it */
	return syscall(SYS_add_key, "user", "unit-secret", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0
		       ? 2
		       : 0;
}

START_TEST(test_join)
{
	ck_assert_child_ok(join, NULL);
	ck_assert_int_lt(syscall(SYS_request_key, "user", "unit-secret", NULL, 0), 0);
	ck_assert_int_eq(errno, ENOKEY);
}
END_TEST

/* Goes on with a warning; the log's text in @text. */
static int join_warned(char *text, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	int p[2];
	ssize_t n;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return CHILD_SETUP;
	cs_log_setup(p[1], CS_LOG_TEXT, CS_LOG_WARN, "test");
	if (ctr_keyring_new("unit-keyring", &err) < 0)
		return failed(&err);
	n = read(p[0], text, size - 1);
	if (n <= 0)
		return 1;
	text[n] = '\0';
	return 0;
}

/* In a container whose filter refuses keyctl, with the errno of @arg. */
static int join_refused(void *arg)
{
	static const char *const names[] = { "keyctl", NULL };
	const struct ctr_seccomp_rule rule = { .names = names,
					       .n_names = 1,
					       .action = SCMP_ACT_ERRNO(*(const uint32_t *)arg) };
	const struct ctr_seccomp sc = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;
	char text[256];
	int listener;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    ctr_seccomp_compile(&sc, -EBADF, &prog, &err) < 0 ||
	    ctr_seccomp_install(&prog, &listener, &err) < 0)
		return CHILD_SETUP;
	if (*(const uint32_t *)arg == EIO)
		return ctr_keyring_new("unit-keyring", &err) == -EIO ? 0 : 2;
	return join_warned(text, sizeof(text));
}

START_TEST(test_refused)
{
	uint32_t code = EPERM;

	ck_assert_child_ok(join_refused, &code);
	code = ENOSYS;
	ck_assert_child_ok(join_refused, &code);
	code = EIO;
	ck_assert_child_ok(join_refused, &code);
}
END_TEST

/* A user whose quota is used up. */
static int join_no_quota(void *arg)
{
	enum { MANY = 100000 };
	char text[256];
	int i;

	(void)arg;
	if (setresuid(4711, 4711, 4711) < 0)
		return CHILD_SETUP;
	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "unit-%d", i);
		if (syscall(SYS_add_key, "user", text, "x", 1, KEY_SPEC_PROCESS_KEYRING) < 0)
			break;
	}
	if (i == MANY || errno != EDQUOT)
		return CHILD_SETUP;
	if (join_warned(text, sizeof(text)) != 0)
		return 1;
	return strstr(text, "quota") ? 0 : 2;
}

START_TEST(test_no_quota)
{
	ck_assert_child_ok(join_no_quota, NULL);
}
END_TEST

CHILD_MAIN("runtime/keyring", test_join, test_refused, test_no_quota)
