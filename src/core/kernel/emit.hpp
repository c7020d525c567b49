// A vector of results into memory. Included by isa/*.cpp like the register tile.

// Past the caches, if asked for and where it makes whole lines of these.
template <class V>
inline void emit(double* to, typename V::Vector x, bool streams) {
  if (streams && reinterpret_cast<uintptr_t>(to) % 64 == 0)
    V::stream_double(to, x);
  else
    V::store_double(to, x);
}
