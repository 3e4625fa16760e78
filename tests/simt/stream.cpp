// Streams and events. Work runs as late as CUDA allows: when the host waits, and then in a random
// order of streams. A missing wait is therefore a wrong result here, not luck.
#include <algorithm>
#include <map>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

std::recursive_mutex executor_mutex;
std::vector<Stream*> streams;
std::map<const void*, int> allowed_shared_bytes;  // by kernel

bool may_run(const Stream& stream) {
  if (stream.queue.empty()) return false;
  const Stream::Item& next = stream.queue.front();
  return next.awaited == nullptr || next.awaited->done >= next.times;
}

bool idle(const Stream* stream) {
  if (stream != nullptr) return stream->queue.empty();
  return std::all_of(streams.begin(), streams.end(), [](Stream* s) { return s->queue.empty(); });
}

Stream* make_stream(int device) {
  return streams.emplace_back(new Stream{device, {}, nullptr, {}});
}

}  // namespace

Entered::Entered() : lock_(executor_mutex) {}

const std::vector<Stream*>& all_streams() { return streams; }

Stream& stream_of(cudaStream_t stream) {
  // Never destroyed: work of static objects may be queued to the end.
  static auto& defaults = *new std::map<int, Stream*>;
  if (stream != nullptr) return *stream;
  Stream*& out = defaults[current_device()];
  if (out == nullptr) out = make_stream(current_device());
  return *out;
}

cudaError_t push(cudaStream_t handle, Work work) {
  Stream& stream = stream_of(handle);
  if (stream.capture == nullptr) {
    stream.queue.push_back({std::move(work)});
    return cudaSuccess;
  }
  stream.capture->nodes.push_back({std::move(work), stream.tail});
  stream.tail = {static_cast<int>(stream.capture->nodes.size()) - 1};
  return cudaSuccess;
}

cudaError_t run_one() {
  std::vector<Stream*> ready;
  for (Stream* stream : streams)
    if (may_run(*stream)) ready.push_back(stream);
  // Never empty: what was queued first of all can wait for nothing.
  Stream& chosen = *ready[random_below(ready.size())];
  const Work work = std::move(chosen.queue.front().work);
  chosen.queue.pop_front();
  return work.run ? work.run() : cudaSuccess;
}

cudaError_t drain(const Stream* stream) {
  cudaError_t out = cudaSuccess;
  while (!idle(stream))
    if (const cudaError_t error = run_one()) out = error;
  return out;
}

bool refuse_in_capture() {
  bool refused = false;
  for (Stream* stream : streams) {
    if (stream->capture == nullptr) continue;
    refused = stream->capture->broken = true;
  }
  return refused;
}

cudaError_t allow_shared_bytes(const void* kernel, int bytes) {
  const Entered lock;
  if (bytes < 0 || static_cast<std::size_t>(bytes) > kMaxSharedBytes)
    return failed(cudaErrorInvalidValue);
  allowed_shared_bytes[kernel] = bytes;
  return cudaSuccess;
}

cudaError_t enqueue(Launch launch, cudaStream_t handle) {
  const Entered lock;
  constexpr std::uint64_t kMaxThreads = 1024;
  constexpr unsigned kMaxGridYZ = 65535, kMaxBlockZ = 64;
  const std::uint64_t threads = std::uint64_t{launch.block.x} * launch.block.y * launch.block.z;
  if (threads == 0 || threads > kMaxThreads || launch.block.z > kMaxBlockZ || launch.grid.x == 0 ||
      launch.grid.y == 0 || launch.grid.z == 0 || launch.grid.y > kMaxGridYZ ||
      launch.grid.z > kMaxGridYZ)
    return failed(cudaErrorInvalidConfiguration);
  const auto allowed = allowed_shared_bytes.find(launch.kernel);
  if (launch.shared_bytes > kDefaultSharedBytes &&
      (allowed == allowed_shared_bytes.end() ||
       launch.shared_bytes > static_cast<std::size_t>(allowed->second)))
    return failed(cudaErrorInvalidValue);
  launch.device = stream_of(handle).device;
  if (launch.device != current_device()) return failed(cudaErrorInvalidResourceHandle);
  const void* kernel = launch.kernel;
  return push(handle, {[launch = std::move(launch)] { return run_kernel(launch); }, kernel});
}

}  // namespace simt

using namespace simt;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Entered lock;
  // The default stream's implicit waits for blocking streams are not emulated.
  if (flags != cudaStreamNonBlocking) return failed(cudaErrorInvalidValue);
  if (device_count() == 0) return failed(cudaErrorNoDevice);
  *stream = make_stream(current_device());
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Entered lock;
  const cudaError_t error = drain(stream);
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
  return error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Entered lock;
  if (refuse_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  return drain(&stream_of(stream));
}

cudaError_t cudaDeviceSynchronize() {
  const Entered lock;
  if (refuse_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  cudaError_t out = cudaSuccess;
  for (Stream* stream : std::vector<Stream*>(streams))
    if (stream->device == current_device())
      if (const cudaError_t error = drain(stream)) out = error;
  return out;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Entered lock;
  return stream_of(stream).queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const Entered lock;
  *event = new Event{0, 0, nullptr, {}};
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Entered lock;
  const cudaError_t error = drain(nullptr);  // queued work may still refer to it
  delete event;
  return error;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  const Entered lock;
  const Stream& stream = stream_of(handle);
  event->capture = stream.capture;
  event->nodes = stream.tail;
  if (stream.capture != nullptr) return cudaSuccess;
  return push(handle, {[event, times = ++event->recorded] {
                event->done = times;
                return cudaSuccess;
              }});
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  const Entered lock;
  Stream& stream = stream_of(handle);
  if (event->capture != nullptr) {
    // Joins the capture, or draws this stream into it.
    if (stream.capture == nullptr) stream.tail.clear();
    stream.capture = event->capture;
    stream.tail.insert(stream.tail.end(), event->nodes.begin(), event->nodes.end());
    return cudaSuccess;
  }
  stream.queue.push_back({{}, event, event->recorded});
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Entered lock;
  cudaError_t out = cudaSuccess;
  while (event->done < event->recorded && out == cudaSuccess) out = run_one();
  return out;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Entered lock;
  return event->done < event->recorded ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t) {
  return failed(cudaErrorNotSupported);
}
