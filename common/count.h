/* How many rows a table has. Of an array only: a pointer's size says nothing. */
#ifndef DCM_COMMON_COUNT_H
#define DCM_COMMON_COUNT_H

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
