/// Plain loops for the widest instructions of a processor.
#pragma once

/// Before a function of plain loops: it is compiled for each set of instructions that x86 processors have, and the program
/// takes the widest of its machine. The same operations in the same order, so the bits are the same. Sanitizers are not
/// ready yet when that is decided, so with them there is one version.
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_ADDRESS__ && \
    !defined __SANITIZE_THREAD__
#define UPTAKE_WIDEST __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define UPTAKE_WIDEST
#endif
