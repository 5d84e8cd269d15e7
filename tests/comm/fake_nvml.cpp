// Stands in for libnvidia-ml.so.1: one card, by nvml.h's interface.
#include <cstring>

extern "C" {

int nvmlInit_v2() { return 0; }

int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  static int card = 0;
  if (std::strcmp(uuid, "GPU-01234567-89ab-cdef-0123-456789abcdef") != 0) return 6;  // NVML_ERROR_NOT_FOUND
  *device = &card;
  return 0;
}

int nvmlDeviceGetUtilizationRates(void* /*device*/, unsigned* percent) {
  percent[0] = 75;
  percent[1] = 10;
  return 0;
}

int nvmlDeviceGetMemoryInfo(void* /*device*/, unsigned long long* bytes) {
  bytes[0] = 80ULL << 30;
  bytes[1] = 60ULL << 30;
  bytes[2] = 20ULL << 30;
  return 0;
}

int nvmlDeviceGetPowerUsage(void* /*device*/, unsigned* milliwatts) {
  *milliwatts = 312500;
  return 0;
}

int nvmlDeviceGetTemperature(void* /*device*/, int sensor, unsigned* celsius) {
  if (sensor != 0) return 2;
  *celsius = 61;
  return 0;
}
}
