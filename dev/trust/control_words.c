// The floating-point control words of this thread and of another of OpenMP's, which other packages of
// the process share: control_words(NULL) reads them, control_words(c(sse, x87)) sets them first. The
// flags of what has happened so far are no control.
#include <Rinternals.h>
#include <omp.h>

#if defined(__x86_64__)
#include <immintrin.h>
static void set_words(const int* words) {
  const unsigned short x87 = (unsigned short)words[1];
  _mm_setcsr((unsigned)words[0]);
  __asm__ __volatile__("fldcw %0" : : "m"(x87));
}
static void get_words(int* words) {
  unsigned short x87;
  __asm__ __volatile__("fnstcw %0" : "=m"(x87));
  words[0] = (int)(_mm_getcsr() & ~0x3Fu);
  words[1] = x87;
}
#elif defined(__aarch64__)
static void set_words(const int* words) {
  const unsigned long control = (unsigned long)words[0];
  __asm__ __volatile__("msr fpcr, %0" : : "r"(control));
}
static void get_words(int* words) {
  unsigned long control;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
  words[0] = (int)control;
  words[1] = 0;
}
#endif

SEXP control_words(SEXP wanted) {
  const int* from = Rf_isNull(wanted) ? NULL : INTEGER_RO(wanted);
  SEXP words = PROTECT(Rf_allocVector(INTSXP, 4));
  int* to = INTEGER(words);
#pragma omp parallel num_threads(2)
  {
    const int thread = omp_get_thread_num();
    if (from != NULL) set_words(from);
    get_words(to + 2 * thread);
  }
  UNPROTECT(1);
  return words;
}
