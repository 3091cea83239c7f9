/*
 * Named places at which a test may kill the process that comes by, or have it stand still. They
 * exist only in a build with DCM_FAULTS; in every other the macro is nothing.
 *
 * The file that DCM_FAULT_FILE names holds the plan, one line: "NAME PASSES TIMES", and perhaps
 * "stall". The point lets PASSES go by, then kills TIMES times, whatever the process, and is spent.
 * With "stall" it stops the process instead (SIGSTOP), and the file says whom: "asleep PID".
 */
#ifndef DCM_COMMON_FAULT_POINT_H
#define DCM_COMMON_FAULT_POINT_H

#ifdef DCM_FAULTS
void fault_point_reach(const char *name);
#define FAULT_POINT(name) fault_point_reach(name)
#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif
