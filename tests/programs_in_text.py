"""IR text that several tests read."""

POWER = """\
func power_vjp[n](x: f64, p_bar: f64) -> (f64, f64) where n - 2 >= 0 {
  p: f64, ys: f64[n] = for 1.0 {length=n, carry=1} (i: i64, y: f64) {  # power.py:5  for i in range(n):
    s: f64 = sin x              # power.py:6  y = y * sin(x)
    z: f64 = mul y, s
    yield z, y
  }
  y0_bar: f64, x_bar: f64 = for p_bar, 0.0, ys {length=n, carry=1, sums=1, reverse=True} \
(j: i64, z_bar: f64, x_acc: f64, yj: f64) {
    sj: f64 = sin x             # replayed
    y_bar: f64 = mul sj, z_bar  # adjoint of z
    s_bar: f64 = mul yj, z_bar
    k: f64 = cos x              # adjoint of s
    g: f64 = mul k, s_bar
    x_sum: f64 = add x_acc, g
    yield y_bar, x_sum
  }
  check True {kind="ValueError", message="a # that is no comment"}
  return p, x_bar
}"""
