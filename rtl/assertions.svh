// Assertion macros; they vanish under `verilator --noassert` (the fast build).
// All need clk_i and rst_ni in scope.
`ifndef ASSERTIONS_SVH
`define ASSERTIONS_SVH

// Property holds in every cycle out of reset.
`define ASSERT(Name, Property) \
  Name: assert property (@(posedge clk_i) disable iff (!rst_ni) (Property)) \
    else $error("assertion %m failed");

// A refused offer is repeated unchanged: Valid without Ready keeps Valid and Payload.
`define ASSERT_HOLD(Name, Valid, Ready, Payload) \
  Name: assert property (@(posedge clk_i) disable iff (!rst_ni) \
      (!$past(rst_ni && (Valid) && !(Ready)) || ((Valid) && (Payload) == $past(Payload)))) \
    else $error("assertion %m failed");

`endif
