#include "cli/timetext.h"

#include <stdio.h>

#include "base/date.h"

enum { SECONDS_A_DAY = 86400 };

void cli_time_text(int64_t ns, char out[CLI_TIME_TEXT])
{
	int64_t sec = ns / 1000000000, frac = ns % 1000000000, day, rest, year;
	char fraction[16] = "";
	int month, mday;

	if (frac < 0) {
		frac += 1000000000;
		sec--;
	}
	day = sec / SECONDS_A_DAY;
	rest = sec % SECONDS_A_DAY;
	if (rest < 0) {
		rest += SECONDS_A_DAY;
		day--;
	}
	cs_date_of_day(day, &year, &month, &mday);
	if (frac) {
		size_t n = (size_t)snprintf(fraction, sizeof(fraction), ".%09d", (int)frac);

		while (fraction[n - 1] == '0')
			fraction[--n] = '\0';
	}
	snprintf(out, CLI_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)year, month, mday,
		 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), fraction);
}
