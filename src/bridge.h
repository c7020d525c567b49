// Between R and the core: R arrays as the core sees them, results, faults as R conditions,
// interrupts, and the options that a call reads.
#pragma once
#include <Rcpp.h>

#include <cstring>
#include <new>

#include "core/core.hpp"

namespace nnconv {

// An argument that is an array: what the core reads, its dim, and what keeps it alive.
struct ArrayArgument {
  Array array;
  Extents dim;
  Rcpp::RObject keeps;
};

// A double view of any numeric vector; integers and logicals are copied, their NA is NA_real_.
ArrayArgument view_of(SEXP x, const Context& context);

// A plain double or complex array with this dim; its values are not set.
SEXP new_array(bool is_complex, const Extents& dim);
double* data_of(SEXP result);  // to be written
Extents dim_of(SEXP x);        // empty: there is none

// What messages say was found: "0", "the string \"3\"", "a matrix of dim (3, 4)".
std::string describe(SEXP x);

// The threads that the options allow, and how to ask R whether to go on.
Context call_context();

// Ends the call as R's condition of the fault, worded by R's raise_fault().
[[noreturn]] void raise(const Fault& fault);

// Runs the body of an entry point; what it throws becomes R's condition.
template <class Body>
SEXP entry(const Body& body) {
  try {
    return body();
  } catch (const Fault& fault) {
    raise(fault);
  } catch (const std::bad_alloc&) {
    Rcpp::stop("not enough memory for the working space of this call");
  }
}

}  // namespace nnconv
