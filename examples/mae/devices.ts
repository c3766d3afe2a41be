// Every device there is: the CPU engine always, WebGPU on whatever adapter is found (a software one too).
import { type Device, DeviceError, openDevice } from '../../runtime/index.ts';

export async function openDevices(): Promise<Device[]> {
  const js = await openDevice('js');
  const devices = [js.device];
  try {
    const { device } = await openDevice('webgpu');
    devices.push(device);
  } catch (e) {
    if (!(e instanceof DeviceError)) throw e;
    console.log(`webgpu is left out: ${e.message}`);
  }
  for (const d of devices) console.log(`device ${d.kind}: ${d.name}${d.software ? ' (software)' : ''}`);
  return devices;
}
