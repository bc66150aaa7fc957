#ifndef CS_BASE_DATE_H
#define CS_BASE_DATE_H

#include <stdint.h>

/* The Gregorian calendar in UTC, without gmtime(3), which reads the time zone's file first. */

/* The date of a day counted from 1970-01-01, which may lie before it. */
void cs_date_of_day(int64_t day, int64_t *year, int *month, int *mday);

/* The day of a date; @month 1 to 12. Days past the month's end run into the next. */
int64_t cs_date_to_day(int64_t year, int month, int mday);

/* Days of a month. */
int cs_date_month_days(int64_t year, int month);

#endif
