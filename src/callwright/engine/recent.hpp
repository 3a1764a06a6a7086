// A table of what was seen lately, bounded: what was not looked for longest makes room.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace callwright {

template <typename Value>
class Recent {
  public:
    explicit Recent(std::size_t capacity) : capacity_(capacity) {}

    // Null when it is not there.
    Value* find(const std::string& key) {
        const auto place = places_.find(key);
        if (place == places_.end()) return nullptr;
        order_.splice(order_.begin(), order_, place->second);
        return &place->second->second;
    }

    // Made when it is not there.
    Value& at(const std::string& key) {
        if (Value* found = find(key)) return *found;
        if (order_.size() >= capacity_) {
            places_.erase(order_.back().first);
            order_.pop_back();
        }
        order_.emplace_front(key, Value{});
        places_.emplace(order_.front().first, order_.begin());
        return order_.front().second;
    }

    std::size_t size() const { return order_.size(); }

  private:
    using Order = std::list<std::pair<std::string, Value>>;

    const std::size_t capacity_;
    Order order_;  // the latest first
    std::unordered_map<std::string_view, typename Order::iterator> places_;  // keys are those of order_
};

}  // namespace callwright
