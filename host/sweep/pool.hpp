// Objects that one thread at a time works with: as many as there were threads at once.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace polaris {

template <typename T>
class Pool {
  struct GiveBack {
    Pool* pool;
    void operator()(T* object) const {
      const std::lock_guard lock(pool->mutex_);
      pool->idle_.emplace_back(object);
    }
  };

 public:
  using Lease = std::unique_ptr<T, GiveBack>;

  /// An idle object, or one that `make` yields (a std::unique_ptr<T>) where there is none.
  template <typename Make>
  Lease take(Make&& make) {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Lease lease(idle_.back().release(), GiveBack{this});
        idle_.pop_back();
        return lease;
      }
    }
    return Lease(make().release(), GiveBack{this});
  }

  /// For all objects. Precondition, as for clear: none is on lease.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (const std::unique_ptr<T>& object : idle_) visit(*object);
  }
  void clear() { idle_.clear(); }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace polaris
