#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/check_int.h"

/* What the processor can, and what KVM's modules make of it. */

enum { CPUINFO_MAX = 16384 }; /* the first processor is enough */

/* Is it one of the words of /proc/cpuinfo's flags? */
static bool has_flag(const char *cpuinfo, const char *flag)
{
	const char *s = strstr(cpuinfo, "\nflags");
	const char *end = s ? strchr(s + 1, '\n') : NULL;
	size_t len = strlen(flag);

	for (; s && end && s < end; s++)
		if (*s == ' ' && strncmp(s + 1, flag, len) == 0 &&
		    (s[len + 1] == ' ' || s[len + 1] == '\n'))
			return true;
	return false;
}

static char *read_cpuinfo(void)
{
	cs_auto_free char *text = calloc(1, CPUINFO_MAX);
	cs_auto_fd int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !text || read(fd, text, CPUINFO_MAX - 1) < 0)
		return NULL;
	return cs_take_ptr(&text);
}

static void check_flags(struct eng_check *c, const char *cpuinfo)
{
	static const char *const needed[] = { "lm", "sse4_1" };
	const bool intel = has_flag(cpuinfo, "vmx"), amd = has_flag(cpuinfo, "svm");

	for (size_t i = 0; i < CS_LEN(needed); i++)
		if (!has_flag(cpuinfo, needed[i])) {
			eng_check_warn(c, "processor",
				       "machines need a newer processor: 64 bits and SSE 4.1",
				       "has no %s", needed[i]);
			return;
		}
	if (intel || amd)
		eng_check_pass(c, "processor", "%s, lm, sse4_1",
			       intel ? "vmx (Intel VT-x)" : "svm (AMD-V)");
	else
		eng_check_warn(c, "processor",
			       "turn virtualization on in the firmware; in a virtual machine, let "
			       "the outer host give it nested",
			       "has neither vmx nor svm");
}

/* Is the parameter of a kernel module on? -1: it has none of that name, or is not loaded. */
static int parameter(const char *module, const char *name)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	if (eng_check_line_of(path, text, sizeof(text)) < 0)
		return -1;
	return *text == 'Y' || *text == '1';
}

/* A guest that sets its processor up from the first instruction needs no emulation with it. */
static void check_unrestricted(struct eng_check *c)
{
	int on = parameter("kvm_intel", "unrestricted_guest");

	if (on == 0)
		eng_check_warn(c, "unrestricted guest", "load kvm_intel with unrestricted_guest=1",
			       "is off");
	else
		eng_check_pass(c, "unrestricted guest", "%s",
			       on == 1 ? "on" : "no kvm_intel: not there, not needed");
}

static void check_module(struct eng_check *c)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd" };

	for (size_t i = 0; i < CS_LEN(modules); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (access(path, F_OK) < 0)
			continue;
		eng_check_pass(c, "KVM module", "%s is there", modules[i]);
		check_unrestricted(c);
		eng_check_pass(c, "nested", "%s",
			       parameter(modules[i], "nested") == 1
				       ? "on: machines can have machines"
				       : "off, and not needed");
		return;
	}
	eng_check_warn(c, "KVM module", "modprobe kvm_intel or kvm_amd, whichever the processor is",
		       "neither kvm_intel nor kvm_amd is there");
	check_unrestricted(c);
	eng_check_pass(c, "nested", "not there, not needed");
}

/* Memory that the host cannot read is nothing that machines make use of. */
static void check_secure(struct eng_check *c, const char *cpuinfo)
{
	static const struct {
		const char *module, *parameter, *flag, *name;
	} kinds[] = {
		{ "kvm_amd", "sev_snp", "sev_snp", "SEV-SNP" },
		{ "kvm_amd", "sev_es", "sev_es", "SEV-ES" },
		{ "kvm_amd", "sev", "sev", "SEV" },
		{ "kvm_intel", "tdx", "tdx_host_platform", "TDX" },
	};

	for (size_t i = 0; i < CS_LEN(kinds); i++)
		if (parameter(kinds[i].module, kinds[i].parameter) == 1) {
			eng_check_pass(c, "secure guest", "%s is on; machines do not use it",
				       kinds[i].name);
			return;
		}
	for (size_t i = 0; i < CS_LEN(kinds); i++)
		if (has_flag(cpuinfo, kinds[i].flag)) {
			eng_check_pass(c, "secure guest", "%s is off, and not needed",
				       kinds[i].name);
			return;
		}
	eng_check_pass(c, "secure guest", "neither SEV nor TDX is there; not needed");
}

void eng_check_cpu(struct eng_check *c)
{
	cs_auto_free char *cpuinfo = read_cpuinfo();

	if (cpuinfo)
		check_flags(c, cpuinfo);
	else
		eng_check_warn(c, "processor", "mount /proc", "/proc/cpuinfo cannot be read");
	check_module(c);
	check_secure(c, cpuinfo ? cpuinfo : "");
}
