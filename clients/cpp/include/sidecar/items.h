// Range-for over what gives its items by `next()`.
#pragma once

#include <iterator>
#include <optional>

#include "sidecar/error.h"

namespace sidecar {

// `for (Result<Item>& item : receiver)`: ends when the source is closed, and behind the first error, which is the last
// thing it gives.
template <class Source, class T>
class ItemIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Result<T>;
  using difference_type = std::ptrdiff_t;
  using pointer = Result<T>*;
  using reference = Result<T>&;

  ItemIterator() = default;
  explicit ItemIterator(Source& source) : source_(&source) { ++*this; }

  reference operator*() { return *item_; }
  pointer operator->() { return &*item_; }
  ItemIterator& operator++() {
    if (item_ && !item_->has_value()) {
      source_ = nullptr;
    } else if (auto next = source_->next(); !next) {
      item_ = tl::make_unexpected(std::move(next.error()));
    } else if (*next) {
      item_ = std::move(**next);
    } else {
      source_ = nullptr;
    }
    return *this;
  }
  void operator++(int) { ++*this; }
  // Only good for comparing with the end.
  friend bool operator==(const ItemIterator& left, const ItemIterator& right) { return left.source_ == right.source_; }
  friend bool operator!=(const ItemIterator& left, const ItemIterator& right) { return left.source_ != right.source_; }

 private:
  Source* source_ = nullptr;
  std::optional<Result<T>> item_;
};

}  // namespace sidecar
