// Arithmetic and comparisons: what one thread does in its registers. Registers hold values in their
// low bits; narrow results are stored zero-extended.
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "tests/simt/ptx_types.hpp"

namespace simt::ptx {
namespace {

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return a * b;
    else
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
};
struct MultiplyHigh {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>((Wide{a} * Wide{b}) >> (8 * sizeof(T)));
  }
};
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return a / b;
    else
      return b == 0 ? static_cast<T>(-1) : static_cast<T>(Wide{a} / Wide{b});
  }
};
struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    return b == 0 ? a : static_cast<T>(Wide{a} % Wide{b});
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return std::fmin(a, b);
    else
      return b < a ? b : a;
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return std::fmax(a, b);
    else
      return a < b ? b : a;
  }
};
/// Of floats in PTX: the sign comes from the first operand.
struct CopySign {
  template <class T>
  static T apply(T a, T b) {
    return std::copysign(b, a);
  }
};

template <class T>
bool multiply_add(Machine& m, const Instruction& in) {
  if constexpr (is_float<T>)
    m.set(in, 0, std::fma(m.get<T>(in, 1), m.get<T>(in, 2), m.get<T>(in, 3)));
  else
    m.set(in, 0,
          Add::apply<T>(Multiply::apply<T>(m.get<T>(in, 1), m.get<T>(in, 2)), m.get<T>(in, 3)));
  return true;
}
template <class T>
bool multiply_high_add(Machine& m, const Instruction& in) {
  m.set(in, 0,
        Add::apply<T>(MultiplyHigh::apply<T>(m.get<T>(in, 1), m.get<T>(in, 2)), m.get<T>(in, 3)));
  return true;
}
/// The result is twice as wide as the factors; a third operand is added.
template <class T>
bool multiply_wide(Machine& m, const Instruction& in) {
  std::uint64_t out = static_cast<std::uint64_t>(Wide{m.get<T>(in, 1)} * Wide{m.get<T>(in, 2)});
  if (in.operands.size() > 3) out += m.raw(in, 3);
  m.set(in, 0, sizeof(T) == 4 ? out : out & 0xFFFFFFFFu);
  return true;
}

struct Negate {
  template <class T>
  static T apply(T a) {
    return is_float<T> ? -a : static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
  }
};
struct Absolute {
  template <class T>
  static T apply(T a) {
    if constexpr (is_float<T>)
      return std::fabs(a);
    else
      return a < 0 ? Negate::apply(a) : a;
  }
};
struct SquareRoot {
  template <class T>
  static T apply(T a) {
    return std::sqrt(a);
  }
};
struct Reciprocal {
  template <class T>
  static T apply(T a) {
    return 1 / a;
  }
};
/// The functions of limited accuracy, with the errors the PTX ISA states (in units of the last
/// place, at most; ex2 and lg2 near 1 absolutely).
template <double (*kExact)(double), int kUlps>
bool approximate_function(Machine& m, const Instruction& in) {
  const auto x = m.get<float>(in, 1);
  m.set(in, 0, approximate(kExact(x), x, kUlps));
  return true;
}
double exact_reciprocal(double x) { return 1 / x; }
double exact_root(double x) { return std::sqrt(x); }
double exact_reciprocal_root(double x) { return 1 / std::sqrt(x); }
double exact_power(double x) { return std::exp2(x); }
double exact_logarithm(double x) { return std::log2(x); }
double exact_sine(double x) { return std::sin(x); }
double exact_cosine(double x) { return std::cos(x); }
double exact_tangent(double x) { return std::tanh(x); }
bool divide_approximately(Machine& m, const Instruction& in) {
  const auto a = m.get<float>(in, 1), b = m.get<float>(in, 2);
  m.set(in, 0, approximate(static_cast<double>(a) / b, b, 2));
  return true;
}

/// a + b rounded down, or to zero. Knuth's two-sum gives what the sum in double leaves out, and a
/// float that is too large moves one place.
float directed_sum(double a, double b, bool to_zero) {
  const double sum = a + b, rest = sum - a;
  const double error = (a - (sum - rest)) + (b - rest);
  const auto nearest = static_cast<float>(sum);
  const bool above = nearest > sum || (nearest == sum && error < 0);
  const bool below = nearest < sum || (nearest == sum && error > 0);
  if (above && (!to_zero || sum > 0)) return std::nextafter(nearest, -INFINITY);
  return below && to_zero && sum < 0 ? std::nextafter(nearest, 0.0f) : nearest;
}
bool add_to_zero(Machine& m, const Instruction& in) {
  m.set(in, 0, directed_sum(m.get<float>(in, 1), m.get<float>(in, 2), true));
  return true;
}
bool multiply_add_down(Machine& m, const Instruction& in) {
  const double product = double{m.get<float>(in, 1)} * m.get<float>(in, 2);
  m.set(in, 0, directed_sum(product, m.get<float>(in, 3), false));
  return true;
}
/// In double PTX gives a first guess only: the low half of the result is zero.
bool guess_reciprocal_root(Machine& m, const Instruction& in) {
  const auto bits = std::bit_cast<std::uint64_t>(1 / std::sqrt(m.get<double>(in, 1)));
  m.set(in, 0, bits & ~std::uint64_t{0xFFFFFFFF});
  return true;
}

/// Bits of `variant`: result where a < b, a == b, a > b, and where they are not comparable.
enum Relation : std::uint8_t { kLess = 1, kEqual = 2, kGreater = 4, kUnordered = 8 };
enum class Join : std::uint8_t { none, by_and, by_or, by_xor };

template <class T>
bool compares(const Instruction& in, T a, T b) {
  const unsigned found = a < b ? kLess : b < a ? kGreater : a == b ? kEqual : kUnordered;
  return (in.variant & found) != 0;
}
template <class T, Join kJoin>
bool set_predicate(Machine& m, const Instruction& in) {
  // With two results ("p|q") the second is the opposite, and all operands move up by one.
  const std::size_t first = in.count;
  const bool relation = compares<T>(in, m.get<T>(in, first), m.get<T>(in, first + 1));
  const bool other = kJoin != Join::none && (m.raw(in, first + 2) & 1) != 0;
  const auto joined = [other](bool r) {
    switch (kJoin) {
      case Join::none:
        return r;
      case Join::by_and:
        return r && other;
      case Join::by_or:
        return r || other;
      case Join::by_xor:
        return r != other;
    }
    return r;
  };
  m.set(in, 0, std::uint64_t{joined(relation)});
  if (in.count == 2) m.set(in, 1, std::uint64_t{joined(!relation)});
  return true;
}
bool select(Machine& m, const Instruction& in) {
  m.set(in, 0, (m.raw(in, 3) & 1) != 0 ? m.raw(in, 1) : m.raw(in, 2));
  return true;
}

bool is_float_type(const std::string& type) { return type[0] == 'f'; }
template <class Make>
Handler for_float(const std::string& type, Make make) {
  return type == "f32" ? make(float{}) : type == "f64" ? make(double{}) : nullptr;
}
template <Join kJoin>
Handler comparison(const std::string& type) {
  return for_type(type, [](auto t) -> Handler { return set_predicate<decltype(t), kJoin>; });
}

void decode_setp(Mnemonic& mnemonic, Instruction& in) {
  struct Name {
    const char* name;
    unsigned relation;
  };
  constexpr Name kNames[] = {{"eq", kEqual},
                             {"ne", kLess | kGreater},
                             {"lt", kLess},
                             {"le", kLess | kEqual},
                             {"gt", kGreater},
                             {"ge", kGreater | kEqual},
                             {"lo", kLess},
                             {"ls", kLess | kEqual},
                             {"hi", kGreater},
                             {"hs", kGreater | kEqual},
                             {"equ", kEqual | kUnordered},
                             {"neu", kLess | kGreater | kUnordered},
                             {"ltu", kLess | kUnordered},
                             {"leu", kLess | kEqual | kUnordered},
                             {"gtu", kGreater | kUnordered},
                             {"geu", kGreater | kEqual | kUnordered},
                             {"num", kLess | kEqual | kGreater},
                             {"nan", kUnordered}};
  for (const Name& n : kNames)
    if (mnemonic.take(n.name)) in.variant = static_cast<std::uint8_t>(n.relation);
  const bool by_and = mnemonic.take("and"), by_or = mnemonic.take("or"),
             by_xor = mnemonic.take("xor");
  mnemonic.take("ftz");
  const std::string type = mnemonic.take_type();
  in.count = in.operands.size() == (by_and || by_or || by_xor ? 5u : 4u) ? 2 : 1;
  in.run = by_and   ? comparison<Join::by_and>(type)
           : by_or  ? comparison<Join::by_or>(type)
           : by_xor ? comparison<Join::by_xor>(type)
                    : comparison<Join::none>(type);
}

void count_flops(Instruction& in, const std::string& type, int flops) {
  if (!is_float_type(type)) return;
  in.work = type == "f64" ? Work::fp64 : Work::fp32;
  in.flops = static_cast<std::uint16_t>(flops);
}

void decode_special(Mnemonic& mnemonic, Instruction& in, const std::string& base) {
  const bool approx = mnemonic.take("approx"), full = mnemonic.take("full");
  mnemonic.take("ftz");
  if (!approx && !full) mnemonic.take("rn");
  const std::string type = mnemonic.take_type();
  in.work = Work::special;
  const bool single = type == "f32" && (approx || full);
  if (base == "div" && is_float_type(type))
    in.run = single ? divide_approximately : SIMT_BINARY(for_float, Divide);
  else if (base == "rcp" && !single)
    in.run = SIMT_UNARY(for_float, Reciprocal);
  else if (base == "sqrt" && !single)
    in.run = SIMT_UNARY(for_float, SquareRoot);
  else if (base == "rcp")
    in.run = approximate_function<exact_reciprocal, 1>;
  else if (base == "sqrt")
    in.run = approximate_function<exact_root, 1>;
  else if (base == "rsqrt" && type == "f32")
    in.run = approximate_function<exact_reciprocal_root, 2>;
  else if (base == "rsqrt" && type == "f64")
    in.run = guess_reciprocal_root;
  else if (base == "ex2" && type == "f32")
    in.run = approximate_function<exact_power, 2>;
  else if (base == "lg2" && type == "f32")
    in.run = approximate_function<exact_logarithm, 1>;
  else if (base == "sin" && type == "f32")
    in.run = approximate_function<exact_sine, 1>;
  else if (base == "cos" && type == "f32")
    in.run = approximate_function<exact_cosine, 1>;
  else if (base == "tanh" && type == "f32")
    in.run = approximate_function<exact_tangent, 1>;
}

bool is_special(const std::string& base, const Mnemonic& mnemonic) {
  if (base == "div") {
    Mnemonic copy = mnemonic;
    return is_float_type(copy.take_type());
  }
  for (const char* name : {"rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh"})
    if (base == name) return true;
  return false;
}

/// Returns the type.
std::string decode_products(Mnemonic& mnemonic, Instruction& in, const std::string& base) {
  const bool wide = mnemonic.take("wide"), high = mnemonic.take("hi");
  mnemonic.take("lo");
  const std::string type = mnemonic.take_type();
  const bool add = base != "mul";
  if (wide)
    in.run = SIMT_TYPED(for_integer, multiply_wide);
  else if (high)
    in.run =
        add ? SIMT_TYPED(for_integer, multiply_high_add) : SIMT_BINARY(for_integer, MultiplyHigh);
  else
    in.run = add ? SIMT_TYPED(for_type, multiply_add) : SIMT_BINARY(for_type, Multiply);
  count_flops(in, type, add ? 2 : 1);
  return type;
}

}  // namespace

void decode_arithmetic(Mnemonic& mnemonic, Instruction& in) {
  const std::string base = mnemonic.base();
  if (is_special(base, mnemonic)) return decode_special(mnemonic, in, base);
  if (base == "setp") return decode_setp(mnemonic, in);
  if (base == "mul" || base == "mad" || base == "fma") {
    const bool down = base == "fma" && mnemonic.take("rm");
    mnemonic.take("rn");
    mnemonic.take("ftz");
    const bool single = decode_products(mnemonic, in, base) == "f32";
    if (down) in.run = single ? multiply_add_down : nullptr;
    return;
  }
  static const std::set<std::string> plain = {"add", "sub", "min", "max",      "div",
                                              "rem", "neg", "abs", "copysign", "selp"};
  if (plain.count(base) == 0) return;
  const bool to_zero = base == "add" && mnemonic.take("rz");
  mnemonic.take("rn");
  mnemonic.take("ftz");
  const std::string type = mnemonic.take_type();
  if (base == "add") in.run = SIMT_BINARY(for_type, Add);
  if (to_zero) in.run = type == "f32" ? add_to_zero : nullptr;
  if (base == "sub") in.run = SIMT_BINARY(for_type, Subtract);
  if (base == "min") in.run = SIMT_BINARY(for_type, Minimum);
  if (base == "max") in.run = SIMT_BINARY(for_type, Maximum);
  if (base == "div") in.run = SIMT_BINARY(for_integer, Divide);
  if (base == "rem") in.run = SIMT_BINARY(for_integer, Remainder);
  if (base == "neg") in.run = SIMT_UNARY(for_type, Negate);
  if (base == "abs") in.run = SIMT_UNARY(for_type, Absolute);
  if (base == "copysign") in.run = SIMT_BINARY(for_float, CopySign);
  if (base == "selp") in.run = select;
  if (base == "add" || base == "sub" || base == "min" || base == "max") count_flops(in, type, 1);
}

}  // namespace simt::ptx
