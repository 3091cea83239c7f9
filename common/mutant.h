/*
 * Workers that are worse than ours by one step, for the tests that show that the checker sees it
 * (tests/faults/test_mutants.py). Which one a file is compiled for says DCM_MUTANT; it is none but
 * in tests/mutants/CMakeLists.txt, and nothing of them is left in every other program.
 */
#ifndef DCM_COMMON_MUTANT_H
#define DCM_COMMON_MUTANT_H

#define MUTANT_NONE 0
#define MUTANT_ACK_EARLY 1    /* a delivery is acknowledged before the journal has it */
#define MUTANT_NO_CLAIM 2     /* whatever comes is begun, whoever has begun it already */
#define MUTANT_NO_RECONCILE 3 /* the keeper does not look at the engine */

#ifndef DCM_MUTANT
#define DCM_MUTANT MUTANT_NONE
#endif

#define IS_MUTANT(which) (DCM_MUTANT == (which))

#endif
