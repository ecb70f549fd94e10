// What the testbench does for every layer: reads vectors, feeds streams, compares every code, counts.
#ifndef HWQ_BENCH_H
#define HWQ_BENCH_H

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "hwq_packs.h"

namespace hwq {

class bench;

struct tensor {
  const char* name;
  int rows, columns, channels;
  int elements() const { return rows * columns * channels; }
};

struct run {
  const char* name;
  void (*start)(bench&, int sample);
};

// Arguments: [--vectors DIR] [--outputs DIR] [RUN...]. Vectors are one file a tensor, one line a sample; to --outputs
// goes what came, in the same form. Without names all runs are made.
class bench {
 public:
  bench(int count, char** words) : vectors_("tb/vectors"), wrong_(0), elements_(0), samples_(0) {
    for (int i = 1; i < count; i++) {
      const std::string word = words[i];
      if ((word == "--vectors" || word == "--outputs") && i + 1 < count) {
        (word == "--vectors" ? vectors_ : outputs_) = words[++i];
      } else {
        wanted_.insert(word);
      }
    }
    all_ = wanted_.empty();
  }

  // A run that can be made.
  void add(const char* name, void (*start)(bench&, int sample)) {
    if (wanted_.erase(name) || all_) chosen_.push_back(run{name, start});
  }

  // Makes the runs, on each sample of `input`; the program's exit code.
  int finish(const tensor& input) {
    if (!wanted_.empty()) fail("no layer is called " + *wanted_.begin());
    samples_ = int(codes(input).size()) / input.elements();
    for (const run& one : chosen_) {
      const long before = wrong_;
      elements_ = 0;
      for (int sample = 0; sample < samples_; sample++) one.start(*this, sample);
      std::printf("%-32s %10ld codes, %ld wrong\n", one.name, elements_, wrong_ - before);
      if (elements_ == 0) fail(std::string(one.name) + " compared nothing");
    }
    if (!outputs_.empty()) write_outputs();
    if (wrong_) {
      std::printf("FAIL: %ld wrong codes; the first: %s\n", wrong_, first_.c_str());
      return 1;
    }
    std::printf("PASS: every code of %d runs is equal; samples: %d\n", int(chosen_.size()), samples_);
    return 0;
  }

  template <class PACK>
  void feed(stream<PACK>& to, const tensor& from, int sample) {
    const int* code = sample_of(from, sample);
    for (int i = 0; i < from.elements(); i += PACK::lanes) {
      PACK value;
      for (int lane = 0; lane < PACK::lanes; lane++) {
        value.lane[lane] = typename PACK::code(code[i + lane]);
        if (int(value.lane[lane]) != code[i + lane]) fail(std::string(from.name) + ": a vector holds what is no code");
      }
      to.write(value);
    }
  }

  template <class PACK>
  void consumed(const char* name, stream<PACK>& from) {
    if (!from.empty()) fail(std::string(name) + " left a part of its input unread");
  }

  template <class PACK>
  void compare(const char* name, const char* file, const tensor& shape, int sample, stream<PACK>& from) {
    const int* expected = sample_of(shape, sample);
    std::ostringstream line;
    for (int i = 0; i < shape.elements(); i++) {
      if (i % PACK::lanes == 0) {
        if (from.empty()) fail(std::string(name) + " gave too few codes");
        held_.clear();
        const PACK value = from.read();
        for (int lane = 0; lane < PACK::lanes; lane++) held_.push_back(int(value.lane[lane]));
      }
      const int actual = held_[i % PACK::lanes];
      if (!outputs_.empty()) line << (i ? " " : "") << actual;
      elements_++;
      if (actual == expected[i]) continue;
      if (wrong_++ == 0) {
        std::ostringstream where;
        where << name << ", sample " << sample << ", row " << i / shape.channels / shape.columns << ", column "
              << i / shape.channels % shape.columns << ", channel " << i % shape.channels << ": expected "
              << expected[i] << ", actual " << actual;
        first_ = where.str();
        std::printf("%s\n", first_.c_str());
      }
    }
    if (!from.empty()) fail(std::string(name) + " gave too many codes");
    if (!outputs_.empty()) results_[file] += line.str() + "\n";
  }

 private:
  static void fail(const std::string& what) {
    std::printf("FAIL: %s\n", what.c_str());
    std::exit(1);
  }

  const int* sample_of(const tensor& shape, int sample) {
    return &codes(shape)[std::size_t(sample) * shape.elements()];
  }

  const std::vector<int>& codes(const tensor& shape) {
    std::vector<int>& found = known_[shape.name];
    if (!found.empty()) return found;
    const std::string path = vectors_ + "/" + shape.name + ".txt";
    std::ifstream file(path);
    if (!file) fail("cannot read " + path);
    std::ostringstream all;
    all << file.rdbuf();
    const std::string text = all.str();
    const char* at = text.c_str();
    for (char* end; at += std::strspn(at, " \n"), *at; at = end) {
      found.push_back(int(std::strtol(at, &end, 10)));
      if (end == at) fail(path + " holds what is no number");
    }
    const std::size_t elements = std::size_t(shape.elements());
    const std::size_t needed = samples_ ? samples_ * elements : found.size() / elements * elements;
    if (found.empty() || found.size() != needed) fail(path + " holds too few or too many codes");
    return found;
  }

  void write_outputs() {
    for (const auto& result : results_) {
      std::ofstream file(outputs_ + "/" + result.first + ".txt");
      file << result.second;
      if (!file.flush()) fail("cannot write to " + outputs_);
    }
  }

  std::string vectors_, outputs_;
  std::set<std::string> wanted_;
  bool all_;
  std::vector<run> chosen_;
  std::map<std::string, std::vector<int>> known_;
  std::map<std::string, std::string> results_;
  std::vector<int> held_;
  std::string first_;
  long wrong_, elements_;
  int samples_;
};

}  // namespace hwq

#endif
