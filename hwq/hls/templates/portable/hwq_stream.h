// A channel between layers, in plain C++: what it has of hls::stream is what the layers use.
#ifndef HWQ_STREAM_H
#define HWQ_STREAM_H

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace hwq {

// First in, first out. The layers run one after the other here, so a channel holds whatever is written to it; reading
// what was never written is a fault of the program, which hardware would wait for forever.
template <class T>
class stream {
 public:
  stream() : first_(0) {}

  bool empty() const { return first_ == values_.size(); }

  std::size_t size() const { return values_.size() - first_; }

  void write(const T& value) { values_.push_back(value); }

  T read() {
    if (empty()) {
      std::fprintf(stderr, "a stream is read, but holds nothing\n");
      std::exit(1);
    }
    const T value = values_[first_++];
    if (empty()) {
      values_.clear();
      first_ = 0;
    }
    return value;
  }

 private:
  stream(const stream&);
  stream& operator=(const stream&);

  std::vector<T> values_;
  std::size_t first_;
};

}  // namespace hwq

#endif
