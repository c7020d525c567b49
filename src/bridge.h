// Between R and the core: R arrays as the core sees them, results, faults as R conditions,
// interrupts, and the options that a call reads.
#pragma once
#include <Rcpp.h>

#include <csetjmp>
#include <cstring>
#include <new>

#include "core/core.hpp"

namespace nnconv {

// What R_UnwindProtect() keeps while R's longjmp goes on as a C++ exception: a new one, to be kept
// as long as R runs, and the one that most calls use.
SEXP new_continuation();
SEXP continuation();

// Calls R where it may end in a longjmp, which becomes an exception. As Rcpp::unwindProtect(), but
// for the continuation: making one takes longer than most that is called so.
template <class Body>
SEXP unwind_protect(const Body& body, SEXP token = continuation()) {
  std::jmp_buf out;
  if (setjmp(out)) {
    R_PreserveObject(token);  // until Rcpp resumes the jump, which releases it
    throw Rcpp::LongjumpException(token);
  }
  const SEXP result = R_UnwindProtect(
      [](void* body) { return (*static_cast<const Body*>(body))(); }, const_cast<Body*>(&body),
      [](void* out, Rboolean jumps) {
        if (jumps) std::longjmp(*static_cast<std::jmp_buf*>(out), 1);
      },
      &out, token);
  SETCAR(token, R_NilValue);  // it holds the result, which would look shared
  return result;
}

// An argument that is an array: what the core reads, its dim, and what keeps a copy alive; R keeps
// the arguments of a call themselves.
struct ArrayArgument {
  Array array;
  Extents dim;
  Rcpp::RObject keeps;
};

// A double view of any numeric vector of this dim; integers and logicals are copied, their NA is
// NA_real_.
ArrayArgument view_of(SEXP x, Extents dim, const Context& context);

// A plain double or complex vector, or array with this dim; its values are not set.
SEXP new_vector(bool is_complex, int64_t length);
SEXP new_array(bool is_complex, const Extents& dim);
double* data_of(SEXP result);  // of a new one, to be written
Extents dim_of(SEXP x);        // empty: there is none that fits x

// What messages say was found: "0", "the string \"3\"", "a matrix of dim (3, 4)".
std::string describe(SEXP x);
std::string describe_shape(SEXP x);  // of an array, whatever its class

// The threads that the options ask for, and how to ask R whether to go on.
Context call_context();

// Ends the call as R's condition of the fault, worded by R's raise_fault().
[[noreturn]] void raise(const Fault& fault);

// Ends the call as an R error that needs no memory of C++, for there is none.
[[noreturn]] void raise_no_memory();

// Runs the body of an entry point; what it throws becomes R's condition.
template <class Body>
SEXP entry(const Body& body) {
  try {
    return body();
  } catch (const Fault& fault) {
    raise(fault);
  } catch (const std::bad_alloc&) {
    raise_no_memory();
  }
}

}  // namespace nnconv
