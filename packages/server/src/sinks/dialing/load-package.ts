import { SinkTrouble } from '../contract.ts';

/**
 * Loads a package that only one kind of sink needs, when it is first used. Where it is not installed,
 * throws SinkTrouble `package_missing` with what to run.
 */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const isMissing =
      (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' &&
      String((error as Error).message).includes(`'${name}'`);
    if (!isMissing) throw error;
    throw new SinkTrouble(
      'package_missing',
      `The package ${name} is not installed. Run: npm install ${name}`,
      { cause: error },
    );
  }
}
