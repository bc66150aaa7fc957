#include "cli/timetext.h"

#include <stdio.h>
#include <string.h>

enum { SECONDS_A_DAY = 86400 };

/* The Gregorian date of a day counted from 1970-01-01. Years run from March here, so that the leap
 * day is a year's last, and eras are the 400 years (146097 days) after which all repeats. */
static void date_of_day(int64_t day, int64_t *year, int *month, int *mday)
{
	int64_t z = day + 719468; /* from 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t m = (5 * doy + 2) / 153; /* 0: March */

	*mday = (int)(doy - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

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
	date_of_day(day, &year, &month, &mday);
	if (frac) {
		size_t n = (size_t)snprintf(fraction, sizeof(fraction), ".%09d", (int)frac);

		while (fraction[n - 1] == '0')
			fraction[--n] = '\0';
	}
	snprintf(out, CLI_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)year, month, mday,
		 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), fraction);
}
